import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { ProblemCode } from '../platform/http/problem.js';
import { KnownUsers, type UserState } from './known-users.js';
import { SessionFloors, type SessionOfUser } from './session-floors.js';
import { UuidExpiryMap } from './uuid-expiry-map.js';

/** What this instance last heard of a user. */
export interface KnownUser extends Partial<UserState> {
  userId: string;
  ver: number;
}

/** Seconds added to a token's life, for a revocation that was written before a token was minted beside it. */
const MARGIN = 60;

/** Milliseconds by which the clocks of the database and of the instance that minted a token may differ. */
const CLOCKS_APART = 5_000;

/**
 * What access tokens this instance must refuse although their signature is good.
 * Keyed by session, user and role, never by the token's text; each entry lives as long as a token it refuses.
 */
@Injectable()
export class RevocationList {
  private readonly sessions: UuidExpiryMap;
  private readonly versions: UuidExpiryMap;
  private readonly users: KnownUsers;
  private readonly floors: SessionFloors;
  private readonly removedRoles = new Map<string, { at: number; lapses: number }>();
  /** Seconds for which an entry is needed. */
  readonly span: number;

  constructor(@Inject(CONFIG) config: Config, clock: Clock) {
    const now = () => Math.floor(clock.now() / 1000);
    this.now = now;
    this.sessions = new UuidExpiryMap(now);
    this.versions = new UuidExpiryMap(now);
    this.users = new KnownUsers(now);
    this.floors = new SessionFloors(now);
    this.span = Math.ceil(config.accessTokenTtl / 1000) + MARGIN;
    this.lapse = () => now() + this.span;
  }

  private readonly now: () => number;
  private readonly lapse: () => number;

  /** Refuses every access token of a session from now on. */
  revokeSession(sessionId: string): void {
    this.sessions.set(sessionId, 1, this.lapse());
  }

  /** Refuses the user's access tokens minted with an older version. */
  raiseVersion(userId: string, ver: number): void {
    this.versions.set(userId, Math.max(ver, this.versionOf(userId)), this.lapse());
  }

  /**
   * Remembers what the user has been since the change of this number, and refuses older tokens. Of two changes the one with the
   * higher version is newer, and of the same version that with the higher number: numbers may begin lower after a set-back.
   */
  remember(userId: string, ver: number, number: number, state: UserState): void {
    const known = this.versionOf(userId);
    if (ver < known) return;
    if (ver > known) this.users.forgetOrderOf(userId);
    this.users.remember(userId, number, state, this.lapse());
    this.raiseVersion(userId, ver);
  }

  /** See `KnownUsers.forgetOrder`. */
  forgetOrder(): void {
    this.users.forgetOrder();
  }

  /** The user's version as far as it was heard of late, or 0. */
  versionOf(userId: string): number {
    return this.versions.get(userId) ?? 0;
  }

  /** The ids of the sessions that have ended. */
  *endedSessions(): Generator<string> {
    for (const [id] of this.sessions.entries()) yield id;
  }

  /** The users that have changed, with what is known of them. */
  *changedUsers(): Generator<KnownUser> {
    for (const [userId, ver] of this.versions.entries()) yield { userId, ver, ...this.users.of(userId) };
  }

  /** The floors of users that were raised, in milliseconds since the epoch. */
  raisedFloors(): Generator<[userId: string, moment: number]> {
    return this.floors.ofUsers();
  }

  /** The sessions that were kept below a floor, each with that floor. */
  keptSessions(): Generator<[sessionId: string, moment: number]> {
    return this.floors.keptSessions();
  }

  /** The floors of roles, and with null that of everybody. */
  raisedEpochs(): Generator<[role: string | null, floor: string]> {
    return this.floors.ofRoles();
  }

  /** Refuses the tokens of the user's sessions below a floor, but for one that goes on. */
  raiseFloor(userId: string, floor: string, kept: string | null): void {
    this.floors.raiseUser(userId, floor, kept, this.lapse());
  }

  /** Refuses the tokens of all sessions below a floor: those of a role's holders, or with null everybody's. */
  raiseEpoch(role: string | null, floor: string): void {
    this.floors.raiseEpoch(role, floor, this.lapse());
  }

  /** Refuses tokens that name a role and were minted before it was removed: a role of that name that is held now was given later. */
  removeRole(role: string, at: number): void {
    for (const [name, { lapses }] of this.removedRoles) if (lapses < this.now()) this.removedRoles.delete(name);
    this.removedRoles.set(role, { at: Math.max(at, this.removedRoles.get(role)?.at ?? 0), lapses: this.lapse() });
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
    const known = this.versionOf(principal.userId);
    if (known > principal.tokenVersion) return 'token_stale';
    if (known === principal.tokenVersion && this.namesOtherRole(principal)) return 'token_stale';
    if (this.removedRoles.size > 0 && this.namesRemovedRole(principal)) return 'token_stale';
    return null;
  }

  /** A failover may lose the change that a token was minted after, and another change then comes to the very same version. */
  private namesOtherRole({ userId, roles }: Principal): boolean {
    const held = this.users.of(userId)?.roles;
    return held !== undefined && roles.some((role) => !held.includes(role));
  }

  private namesRemovedRole({ roles, issuedAt }: Principal): boolean {
    return roles.some((role) => issuedAt < (this.removedRoles.get(role)?.at ?? 0) + CLOCKS_APART);
  }
}
