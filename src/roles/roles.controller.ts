import { Body, Controller, Delete, Get, HttpStatus, Param, Put, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { actorOf } from '../access/actor.js';
import { CurrentUser, type Principal } from '../access/principal.js';
import { Permissions } from '../access/route-access.js';
import { trimBlanks } from '../platform/common/trim-blanks.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { keyOfCursor, pageQuery } from '../platform/http/page.js';
import { Problem } from '../platform/http/problem.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { type RoleForm, type RoleView, roleForm, roleName, rolePage, roleView } from './role.js';
import { Roles } from './roles.service.js';

const NAME = { name: 'name', schema: { type: 'string', pattern: '[a-z][a-z0-9_-]{0,63}' } } as const;

/** Roles and what they permit. */
@ApiTags('Roles')
@Controller('v1/roles')
export class RolesController {
  constructor(private readonly roles: Roles) {}

  @Get()
  @Permissions('roles:read')
  @ApiOperation({ summary: 'The roles, by name', operationId: 'listRoles' })
  @Answers(200, rolePage)
  @Fails('forbidden')
  list(@Query({ schema: pageQuery }) { limit, cursor }: z.infer<typeof pageQuery>): Promise<z.infer<typeof rolePage>> {
    return this.roles.list(limit, keyOfCursor(cursor, isRoleName));
  }

  @Put(':name')
  @Permissions('roles:write')
  @ApiOperation({
    summary: 'Create or replace a role',
    description:
      'Nobody changes a role that holds, or would hold, a permission which they do not hold themselves, nor one without permissions that they do not hold. `admin` holds every permission, also those that an ' +
      'application invents; none of the built-in ones can be taken from it.',
    operationId: 'saveRole',
  })
  @ApiParam(NAME)
  @Answers(200, roleView, 'Replaced')
  @ApiResponse({ status: 201, description: 'Made', standardSchema: roleView as never })
  @Fails('forbidden', 'role_protected', 'not_found')
  async save(
    @Param('name') name: string,
    @Body({ schema: roleForm }) form: RoleForm,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RoleView> {
    const checked = roleName.safeParse(name);
    if (!checked.success) throw Problem.field('/name', checked.error.issues[0]?.message ?? '');
    const { role, created } = await this.roles.save(checked.data, form, actorOf(caller, context));
    reply.status(created ? HttpStatus.CREATED : HttpStatus.OK);
    return role;
  }

  @Delete(':name')
  @Permissions('roles:write')
  @ApiOperation({
    summary: 'Remove a role',
    description: 'The users who have the role lose it in the same moment, and get new access tokens by refreshing.',
    operationId: 'removeRole',
  })
  @ApiParam(NAME)
  @Answers(204, null, 'Removed')
  @Fails('forbidden', 'role_protected', 'not_found')
  async remove(
    @Param('name') name: string,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.roles.remove(trimBlanks(name), actorOf(caller, context));
  }
}

function isRoleName(text: string): boolean {
  return roleName.safeParse(text).success;
}
