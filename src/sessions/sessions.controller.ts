import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { actorOf } from '../access/actor.js';
import { CurrentUser, type SessionPrincipal } from '../access/principal.js';
import { SignedIn } from '../access/route-access.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { idOfCursor, pageQuery } from '../platform/http/page.js';
import { Context, type RequestContext } from '../platform/http/request-context.js';
import { sessionPage, toSessionView } from './session.js';
import { Sessions } from './sessions.service.js';

/** The signed-in user's own sessions: one for each device. */
@ApiTags('Sessions')
@SignedIn()
@Controller('v1/sessions')
export class SessionsController {
  constructor(private readonly sessions: Sessions) {}

  @Get()
  @ApiOperation({ summary: 'The own live sessions, newest first', operationId: 'listSessions' })
  @Answers(200, sessionPage)
  async list(
    @CurrentUser() user: SessionPrincipal,
    @Query({ schema: pageQuery }) { limit, cursor }: z.infer<typeof pageQuery>,
  ): Promise<z.infer<typeof sessionPage>> {
    const { items, nextCursor } = await this.sessions.list(user.userId, limit, idOfCursor(cursor));
    return { items: items.map((row) => toSessionView(row, user.sessionId)), nextCursor };
  }

  @Delete(':id')
  @ApiOperation({ summary: 'End one of the own sessions', operationId: 'endSession' })
  @ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' } })
  @Answers(204, null, 'Ended')
  @Fails('not_found')
  async end(
    @Param('id') id: string,
    @CurrentUser() user: SessionPrincipal,
    @Context() context: RequestContext,
  ): Promise<void> {
    await this.sessions.end(id, user.userId, { type: 'session.revoked', actor: actorOf(user, context) });
  }
}
