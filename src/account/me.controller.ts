import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { actorOf } from '../access/actor.js';
import { CurrentUser, type Principal } from '../access/principal.js';
import { SignedIn } from '../access/route-access.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { nameField, toUserView, type UserView, usernameField, userView } from '../users/user.js';
import { Users } from '../users/users.service.js';

const profileChange = z
  .strictObject({ name: nameField.nullable().optional(), username: usernameField.nullable().optional() })
  .meta({ id: 'ProfileChange' });

/** The signed-in user's own account. */
@ApiTags('Users')
@SignedIn()
@Controller('v1/users/me')
export class MeController {
  constructor(private readonly users: Users) {}

  @Get()
  @ApiOperation({ summary: 'The own account, from the database', operationId: 'getMe' })
  @Answers(200, userView)
  @Fails('not_found')
  async read(@CurrentUser() user: Principal): Promise<UserView> {
    return toUserView(await this.users.get(user.userId));
  }

  @Patch()
  @ApiOperation({ summary: 'Change the own name or username; null removes it', operationId: 'updateMe' })
  @Answers(200, userView)
  @Fails('not_found', 'username_taken')
  async update(
    @CurrentUser() user: Principal,
    @Body({ schema: profileChange }) change: z.infer<typeof profileChange>,
    @Context() context: RequestContext,
  ): Promise<UserView> {
    return toUserView(await this.users.updateProfile(user.userId, change, actorOf(user, context)));
  }
}
