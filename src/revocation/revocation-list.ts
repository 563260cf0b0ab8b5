import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { ProblemCode } from '../platform/http/problem.js';
import { SessionFloors, type SessionOfUser } from './session-floors.js';
import { UuidExpiryMap } from './uuid-expiry-map.js';

/** Role sets that are told apart; with more of them the roles of a user are not remembered. */
const MOST_ROLE_SETS = 10_000;

/** What a user was allowed when this instance last heard of it. */
export interface KnownRights {
  userId: string;
  ver: number;
  /** Null where only the version was heard of. */
  roles: readonly string[] | null;
}

/** Seconds added to a token's life, for a revocation that was written before a token was minted beside it. */
const MARGIN = 60;

/**
 * What access tokens this instance must refuse although their signature is good.
 * Keyed by session, user and role, never by the token's text; each entry lives as long as a token it refuses.
 */
@Injectable()
export class RevocationList {
  private readonly sessions: UuidExpiryMap;
  private readonly versions: UuidExpiryMap;
  /** Of a user, the number of a role set: there are few, however many users have them. */
  private readonly rolesOf: UuidExpiryMap;
  private readonly roleSets: (readonly string[])[] = [];
  private readonly roleSetNumbers = new Map<string, number>();
  private readonly floors: SessionFloors;
  /** Seconds for which an entry is needed. */
  readonly span: number;

  constructor(@Inject(CONFIG) config: Config, clock: Clock) {
    const now = () => Math.floor(clock.now() / 1000);
    this.sessions = new UuidExpiryMap(now);
    this.versions = new UuidExpiryMap(now);
    this.rolesOf = new UuidExpiryMap(now);
    this.floors = new SessionFloors(now);
    this.span = Math.ceil(config.accessTokenTtl / 1000) + MARGIN;
    this.lapse = () => now() + this.span;
  }

  private readonly lapse: () => number;

  /** Refuses every access token of a session from now on. */
  revokeSession(sessionId: string): void {
    this.sessions.set(sessionId, 1, this.lapse());
  }

  /** Refuses the user's access tokens minted with an older version of their roles, and remembers these where they are told. */
  raiseVersion(userId: string, ver: number, roles: readonly string[] | null = null): void {
    const known = this.versions.get(userId) ?? 0;
    this.versions.set(userId, Math.max(ver, known), this.lapse());
    const number = roles && ver >= known ? this.numberOf(roles) : undefined;
    if (number !== undefined) this.rolesOf.set(userId, number, this.lapse());
  }

  /** The ids of the sessions that have ended. */
  *endedSessions(): Generator<string> {
    for (const [id] of this.sessions.entries()) yield id;
  }

  /** The users whose roles have changed, and what these are. */
  *changedRights(): Generator<KnownRights> {
    for (const [userId, ver] of this.versions.entries()) {
      const number = this.rolesOf.get(userId);
      yield { userId, ver, roles: number === undefined ? null : (this.roleSets[number] ?? null) };
    }
  }

  /** Refuses the tokens of the user's sessions below a floor, but for one that goes on. */
  raiseFloor(userId: string, floor: string, kept: string | null): void {
    this.floors.raiseUser(userId, floor, kept, this.lapse());
  }

  /** Refuses the tokens of all sessions below a floor: those of a role's holders, or with null everybody's. */
  raiseEpoch(role: string | null, floor: string): void {
    this.floors.raiseEpoch(role, floor, this.lapse());
  }

  /** Whether the session has ended, as far as is known here of it alone. */
  isRevoked(sessionId: string): boolean {
    return this.sessions.get(sessionId) !== undefined;
  }

  /** Whether the session has ended, by itself or with others. */
  hasEnded(session: SessionOfUser): boolean {
    return this.isRevoked(session.sessionId) || this.floors.isBelow(session);
  }

  /** Why this principal's token must be refused, or null. */
  refusal(principal: Principal): ProblemCode | null {
    if (this.hasEnded(principal)) return 'session_revoked';
    if ((this.versions.get(principal.userId) ?? 0) > principal.tokenVersion) return 'token_stale';
    return null;
  }

  private numberOf(roles: readonly string[]): number | undefined {
    const key = roles.join(' ');
    const known = this.roleSetNumbers.get(key);
    if (known !== undefined || this.roleSets.length >= MOST_ROLE_SETS) return known;
    this.roleSetNumbers.set(key, this.roleSets.length);
    return this.roleSets.push(roles) - 1;
  }
}
