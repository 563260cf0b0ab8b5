import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { ProblemCode } from '../platform/http/problem.js';
import { UuidExpiryMap } from './uuid-expiry-map.js';

/** Seconds added to a token's life, for a revocation that was written before a token was minted beside it. */
const MARGIN = 60;

/**
 * What access tokens this instance must refuse although their signature is good.
 * Keyed by session and user, never by the token's text; each entry lives as long as a token it refuses.
 */
@Injectable()
export class RevocationList {
  private readonly sessions: UuidExpiryMap;
  private readonly versions: UuidExpiryMap;
  /** Seconds for which an entry is needed. */
  readonly span: number;

  constructor(@Inject(CONFIG) config: Config, clock: Clock) {
    const now = () => Math.floor(clock.now() / 1000);
    this.sessions = new UuidExpiryMap(now);
    this.versions = new UuidExpiryMap(now);
    this.span = Math.ceil(config.accessTokenTtl / 1000) + MARGIN;
    this.lapse = () => now() + this.span;
  }

  private readonly lapse: () => number;

  /** Refuses every access token of a session from now on. */
  revokeSession(sessionId: string): void {
    this.sessions.set(sessionId, 1, this.lapse());
  }

  /** Refuses the user's access tokens minted with an older version of their roles. */
  raiseVersion(userId: string, ver: number): void {
    this.versions.set(userId, Math.max(ver, this.versions.get(userId) ?? 0), this.lapse());
  }

  /** The ids of the sessions that have ended. */
  *endedSessions(): Generator<string> {
    for (const [id] of this.sessions.entries()) yield id;
  }

  /** The users whose roles have changed, with the version of these. */
  raisedVersions(): Generator<[userId: string, ver: number]> {
    return this.versions.entries();
  }

  /** Whether the session has ended, as far as is known here. */
  isRevoked(sessionId: string): boolean {
    return this.sessions.get(sessionId) !== undefined;
  }

  /** Why this principal's token must be refused, or null. */
  refusal({ sessionId, userId, tokenVersion }: Principal): ProblemCode | null {
    if (this.isRevoked(sessionId)) return 'session_revoked';
    if ((this.versions.get(userId) ?? 0) > tokenVersion) return 'token_stale';
    return null;
  }
}
