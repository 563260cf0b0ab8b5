import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../platform/common/clock.js';
import { firstIdAt } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import type { RequestContext } from '../platform/http/request-context.js';
import { Revocations } from '../revocation/revocations.service.js';
import type { TokenSubject } from '../tokens/access-tokens.service.js';
import { hashIdempotencyKey, hashSessionSecret, type RefreshTokenPayload } from './refresh-token.js';
import type { Tokens } from './session.js';
import { EXAMINE, KEEP_KEY, ROTATE } from './session-store.js';
import { SessionTokens } from './session-tokens.js';
import { Sessions } from './sessions.service.js';

interface Examined extends TokenSubject {
  counter: number;
  endReason: string | null;
  revoked: boolean;
  unverified: boolean;
  expired: boolean;
  /** The last rotation is within the grace. */
  fresh: boolean;
  /** The session has another secret than the token. */
  renewed: boolean;
  /** The last rotation was asked for with the same key. */
  repeated: boolean;
}

/**
 * A token that was on its way while its session got a new secret. It is worth nothing, but was not stolen: the session goes
 * on, with the tokens that were given for the new password.
 */
export class OvertakenTokenProblem extends Problem {
  constructor() {
    super('session_revoked', {
      detail: 'The password was changed a moment ago. Use the tokens given then, or sign in again.',
    });
  }
}

/** Refresh tokens, each good for one successor. */
@Injectable()
export class Rotation {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly sessions: Sessions,
    private readonly tokens: SessionTokens,
    private readonly revocations: Revocations,
    private readonly clock: Clock,
  ) {}

  /**
   * Exchanges a refresh token for its successor and a new access token.
   * The token just replaced gets the same successor within the grace, and with the key of its exchange for as long as the
   * successor is unused: a lost reply signs nobody out, however long the network is away. Any other replaced token ends the
   * session (RFC 9700, 4.14.2), also where the session has a new secret since.
   * Throws a Problem: `invalid_refresh_token`, `session_revoked`, `session_expired`, `refresh_reused`, `email_not_verified`.
   */
  async refresh(refreshToken: string, key: string | null, context: RequestContext): Promise<Tokens> {
    const claim = this.tokens.read(refreshToken);
    if (!claim) throw new Problem('invalid_refresh_token');
    // Also where the database has forgotten it: a failover may lose the last commits.
    if (this.revocations.isRevoked(claim.sessionId)) throw await this.ended(claim);
    const keyHash = key === null ? null : hashIdempotencyKey(claim, key);
    return (await this.rotate(claim, keyHash, context)) ?? (await this.afterFailedRotation(claim, keyHash, context));
  }

  /** Why a session ended that this instance knows to have ended, as far as the database can say. */
  private async ended(claim: RefreshTokenPayload): Promise<Problem> {
    const found = await this.examine(claim, null).catch(() => undefined);
    if (found?.expired && found.endReason === 'expired') return new Problem('session_expired');
    return this.revokedProblem(found);
  }

  private revokedProblem(found: Examined | undefined): Problem {
    if (found?.endReason !== 'sessions_per_user') return new Problem('session_revoked');
    const { sessionsPerUser } = this.config;
    return new Problem('session_revoked', {
      detail: `Your account opened more than ${sessionsPerUser} sessions, of which this was the oldest. Sign in again.`,
    });
  }

  private async rotate(
    claim: RefreshTokenPayload,
    keyHash: Buffer | null,
    context: RequestContext,
  ): Promise<Tokens | null> {
    const { refreshTokenTtl, sessionMaxAge } = this.config;
    const secretHash = hashSessionSecret(claim.secret);
    const [subject] = await this.database.run<TokenSubject>(ROTATE, [
      claim.sessionId,
      claim.counter,
      secretHash,
      refreshTokenTtl,
      sessionMaxAge,
      context.ip,
      context.userAgent,
      this.config.requiresVerifiedEmail,
      keyHash,
    ]);
    if (!subject) return null;
    if (this.revocations.hasEnded(subject)) throw new Problem('session_revoked');
    return this.tokens.write(subject, { ...claim, counter: claim.counter + 1 });
  }

  private async afterFailedRotation(
    claim: RefreshTokenPayload,
    keyHash: Buffer | null,
    context: RequestContext,
  ): Promise<Tokens> {
    const found = await this.examine(claim, keyHash);
    if (!found) throw new Problem(this.isOutlived(claim.sessionId) ? 'session_expired' : 'session_revoked');
    if (found.revoked || this.revocations.hasEnded(found)) throw this.revokedProblem(found);
    if (found.expired) throw new Problem('session_expired');
    if (found.unverified && this.config.requiresVerifiedEmail) throw new Problem('email_not_verified');
    const age = found.counter - claim.counter;
    // Of another secret than the row's, and not older than it: no such token was ever given.
    if (age <= 0) throw new Problem('session_revoked');
    if (found.fresh && found.renewed) throw new OvertakenTokenProblem();
    if (age === 1 && (found.fresh || found.repeated)) {
      if (keyHash && !found.repeated) await this.database.run(KEEP_KEY, [claim.sessionId, found.counter, keyHash]);
      return this.tokens.write(found, { ...claim, counter: found.counter });
    }
    await this.endReused(claim.sessionId, context);
    throw new Problem('refresh_reused');
  }

  private async examine(claim: RefreshTokenPayload, keyHash: Buffer | null): Promise<Examined | undefined> {
    const { refreshGrace, sessionMaxAge } = this.config;
    const values = [claim.sessionId, hashSessionSecret(claim.secret), refreshGrace, sessionMaxAge, keyHash];
    const [found] = await this.database.run<Examined>(EXAMINE, values);
    return found;
  }

  /** Whether a session is past its greatest age by its id alone: its row is removed then. */
  private isOutlived(sessionId: string): boolean {
    return sessionId < firstIdAt(this.clock.now() - this.config.sessionMaxAge);
  }

  private async endReused(sessionId: string, context: RequestContext): Promise<void> {
    try {
      await this.sessions.end(sessionId, null, { type: 'auth.refresh_reused', actor: { kind: 'anonymous', context } });
    } catch (error) {
      // Somebody else has ended it in the meantime, which is all that was wanted.
      if (!(error instanceof Problem && error.code === 'not_found')) throw error;
    }
  }
}
