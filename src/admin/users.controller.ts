import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { actorOf } from '../access/actor.js';
import { CurrentUser, type Principal, type SessionPrincipal } from '../access/principal.js';
import { Permissions } from '../access/route-access.js';
import { isId } from '../platform/common/id.js';
import { typedText } from '../platform/common/typed-text.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { idOfCursor, pageOf, pageQuery } from '../platform/http/page.js';
import { Problem } from '../platform/http/problem.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { roleName } from '../roles/role.js';
import { revokedCount, sessionPage, toSessionView } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.service.js';
import {
  emailField,
  nameField,
  rolesField,
  toUserView,
  type UserForm,
  type UserView,
  userForm,
  usernameField,
  userView,
} from '../users/user.js';
import { Users } from '../users/users.service.js';
import { UserAdministration } from './user-administration.service.js';
import { UserDirectory } from './user-directory.service.js';

const status = z.enum(['active', 'disabled']);

const userQuery = z.strictObject({
  ...pageQuery.shape,
  query: typedText
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u, { message: 'Search for text without control characters.' })
    .optional()
    .meta({
      description:
        'A part of email, username or name, without regard to case; a text that begins with a letter or digit and has fewer than three of them: the beginning of a word. Without control characters',
    }),
  role: roleName.optional(),
  status: status.optional(),
});

const userChange = z
  .strictObject({
    name: nameField.nullable().optional(),
    username: usernameField.nullable().optional(),
    email: emailField.optional().meta({ description: 'Counts as unverified until its owner confirms it' }),
    status: status.optional().meta({ description: '`disabled` ends every session and refuses every way to sign in' }),
  })
  .meta({ id: 'UserChange' });

const userRoles = z
  .strictObject({ roles: rolesField.meta({ description: 'All of them: those that are not named are taken away' }) })
  .meta({ id: 'UserRoles' });

const userPage = pageOf(userView, 'UserPage');

const RULE =
  'Nobody gives a role, or changes a user, whose permissions they do not hold themselves; a role without permissions counts by its name.';
const ID = { name: 'id', schema: { type: 'string', format: 'uuid' } } as const;

/** Everybody's accounts, for administrators. */
@ApiTags('Users')
@Controller('v1/users')
export class UsersController {
  constructor(
    private readonly users: Users,
    private readonly directory: UserDirectory,
    private readonly administration: UserAdministration,
    private readonly sessions: Sessions,
  ) {}

  @Get()
  @Permissions('users:read')
  @ApiOperation({
    summary: 'The users, newest first',
    description:
      'A search that takes long answers with fewer than `limit`, even with none: only a `nextCursor` of null is the end.',
    operationId: 'listUsers',
  })
  @Answers(200, userPage)
  @Fails('forbidden')
  async list(
    @Query({ schema: userQuery }) { limit, cursor, ...filter }: z.infer<typeof userQuery>,
  ): Promise<z.infer<typeof userPage>> {
    const { items, nextCursor } = await this.directory.list(filter, limit, cursor);
    return { items: items.map(toUserView), nextCursor };
  }

  @Post()
  @Permissions('users:write')
  @ApiOperation({ summary: 'Create an account, or invite its owner', description: RULE, operationId: 'createUser' })
  @Answers(201, userView, 'Made')
  @Fails('forbidden', 'email_taken', 'username_taken', 'password_too_common', 'overloaded', 'mail_unavailable')
  async create(
    @Body({ schema: userForm }) form: UserForm,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<UserView> {
    return toUserView(await this.administration.create(form, actorOf(caller, context)));
  }

  @Get(':id')
  @Permissions('users:read')
  @ApiOperation({ summary: 'One user', operationId: 'getUser' })
  @ApiParam(ID)
  @Answers(200, userView)
  @Fails('forbidden', 'not_found')
  async read(@Param('id') id: string): Promise<UserView> {
    return toUserView(await this.users.get(known(id)));
  }

  @Patch(':id')
  @Permissions('users:write')
  @ApiOperation({ summary: 'Change a user', description: RULE, operationId: 'updateUser' })
  @ApiParam(ID)
  @Answers(200, userView)
  @Fails('forbidden', 'not_found', 'email_taken', 'username_taken', 'last_admin')
  async update(
    @Param('id') id: string,
    @Body({ schema: userChange }) change: z.infer<typeof userChange>,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<UserView> {
    return toUserView(await this.administration.update(id, change, actorOf(caller, context)));
  }

  @Delete(':id')
  @Permissions('users:write')
  @ApiOperation({ summary: 'Remove a user for good', description: RULE, operationId: 'removeUser' })
  @ApiParam(ID)
  @Answers(204, null, 'Removed')
  @Fails('forbidden', 'not_found', 'last_admin')
  async remove(
    @Param('id') id: string,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.administration.remove(id, actorOf(caller, context));
  }

  @Put(':id/roles')
  @Permissions('users:write')
  @ApiOperation({
    summary: 'Give a user exactly these roles',
    description: `${RULE} Access tokens minted before are stale at once.`,
    operationId: 'setUserRoles',
  })
  @ApiParam(ID)
  @Answers(200, userView)
  @Fails('forbidden', 'not_found', 'last_admin')
  async setRoles(
    @Param('id') id: string,
    @Body({ schema: userRoles }) { roles }: z.infer<typeof userRoles>,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<UserView> {
    return toUserView(await this.administration.setRoles(id, roles, actorOf(caller, context)));
  }

  @Get(':id/sessions')
  @Permissions('users:read')
  @ApiOperation({ summary: 'The live sessions of a user, newest first', operationId: 'listUserSessions' })
  @ApiParam(ID)
  @Answers(200, sessionPage)
  @Fails('forbidden', 'not_found')
  async listSessions(
    @Param('id') id: string,
    @Query({ schema: pageQuery }) { limit, cursor }: z.infer<typeof pageQuery>,
    @CurrentUser() { sessionId }: SessionPrincipal,
  ): Promise<z.infer<typeof sessionPage>> {
    const before = idOfCursor(cursor);
    await this.users.get(known(id));
    const { items, nextCursor } = await this.sessions.list(id, limit, before);
    return { items: items.map((row) => toSessionView(row, sessionId)), nextCursor };
  }

  @Delete(':id/sessions')
  @Permissions('users:write')
  @ApiOperation({ summary: 'End every session of a user', description: RULE, operationId: 'endUserSessions' })
  @ApiParam(ID)
  @Answers(200, revokedCount)
  @Fails('forbidden', 'not_found')
  async endSessions(
    @Param('id') id: string,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof revokedCount>> {
    return { revoked: await this.administration.endSessions(id, actorOf(caller, context)) };
  }
}

/** What has not the form of an id is nobody's. Throws a Problem `not_found`. */
function known(id: string): string {
  if (!isId(id)) throw new Problem('not_found');
  return id;
}
