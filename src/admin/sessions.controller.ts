import { Body, Controller, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { actorOf } from '../access/actor.js';
import { CurrentUser, type Principal } from '../access/principal.js';
import { Permissions } from '../access/route-access.js';
import { moment } from '../platform/http/moment.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { roleName } from '../roles/role.js';
import { SessionAdministration } from './session-administration.service.js';

const revokeBefore = z
  .strictObject({
    before: moment.optional().meta({ description: 'A moment in the past; now where none is given' }),
    role: roleName.optional().meta({ description: 'Those of the users who hold it, or are given it later' }),
    userId: z.uuid().optional(),
  })
  .refine(({ role, userId }) => role === undefined || userId === undefined, {
    path: ['userId'],
    message: 'Name a role or a user, not both.',
  })
  .meta({ id: 'RevokeBefore', examples: [{ before: '2026-01-01T00:00:00Z', role: 'user' }] });

const revokedBefore = z.strictObject({ before: z.iso.datetime() }).meta({ id: 'RevokedBefore' });

/** Everybody's sessions, for administrators. */
@ApiTags('Sessions')
@Controller('v1/sessions')
export class SessionAdministrationController {
  constructor(private readonly administration: SessionAdministration) {}

  @Post('revoke-before')
  @Permissions('users:write')
  @ApiOperation({
    summary: 'End every session opened before a moment',
    description:
      'Of one user, of the holders of a role, or of everybody where neither is named; whatever they were refreshed since, and your own too where it is older. Nobody ends sessions of a user whose permissions they do not hold themselves: for everybody, and for the role `user`, that takes those of every role.',
    operationId: 'revokeSessionsBefore',
  })
  @Answers(200, revokedBefore)
  @Fails('forbidden', 'not_found')
  async revokeBefore(
    @Body({ schema: revokeBefore }) { before, ...selection }: z.infer<typeof revokeBefore>,
    @CurrentUser() caller: Principal,
    @Context() context: RequestContext,
  ): Promise<z.infer<typeof revokedBefore>> {
    const given = before === undefined ? ('now' as const) : { at: new Date(before) };
    const ended = await this.administration.revokeBefore(given, selection, actorOf(caller, context));
    return { before: ended.toISOString() };
  }
}
