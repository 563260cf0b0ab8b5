import { Injectable } from '@nestjs/common';
import { type Actor, actorOf } from '../../access/actor.js';
import type { AuthenticatedRequest } from '../../access/principal.js';
import { Problem } from '../../platform/http/problem.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import { SessionTokens } from '../../sessions/session-tokens.js';
import { Sessions } from '../../sessions/sessions.service.js';

/** Signing out, with whatever the client still has. */
@Injectable()
export class Logout {
  constructor(
    private readonly sessions: Sessions,
    private readonly tokens: SessionTokens,
  ) {}

  /**
   * Ends the session of the access token and that of the refresh token, whichever came. One that has ended already is
   * as it was wanted. Throws a Problem where neither is good.
   */
  async end(
    { user, refusal }: AuthenticatedRequest,
    refreshToken: string | undefined,
    context: RequestContext,
  ): Promise<void> {
    const named = refreshToken === undefined ? null : (this.tokens.read(refreshToken)?.sessionId ?? null);
    if (refreshToken !== undefined && named === null && !user) throw new Problem('invalid_refresh_token');
    if (!user && named === null) throw refusal ?? new Problem('unauthorized');
    const actor: Actor = user ? actorOf(user, context) : { kind: 'anonymous', context };
    if (user) await this.endOne(user.sessionId, user.userId, actor);
    if (named !== null && named !== user?.sessionId) await this.endOne(named, null, actor);
  }

  private async endOne(sessionId: string, userId: string | null, actor: Actor): Promise<void> {
    const event = { type: 'auth.logout' as const, actor };
    try {
      await this.sessions.end(sessionId, null, event);
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'not_found')) throw error;
      await this.sessions.endLost(sessionId, { ...event, userId });
    }
  }
}
