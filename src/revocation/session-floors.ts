import { firstIdAt } from '../platform/common/id.js';
import { UuidExpiryMap } from './uuid-expiry-map.js';

/** What a token says of its session. */
export interface SessionOfUser {
  sessionId: string;
  userId: string;
  roles: readonly string[];
}

interface Epoch {
  floor: string;
  lapses: number;
}

/**
 * Below which ids sessions are dead, in memory: the rule of `BELOW_FLOOR`, for as long as a token of theirs may live. One
 * entry shuts out everybody or a role. A kept session is known by the floor under which it was kept: the next floor ends it.
 */
export class SessionFloors {
  private readonly users: UuidMomentMap;
  private readonly kept: UuidMomentMap;
  private readonly roles = new Map<string, Epoch>();
  private everybody: Epoch | undefined;

  /** `now` gives seconds since the epoch. */
  constructor(private readonly now: () => number) {
    this.users = new UuidMomentMap(now);
    this.kept = new UuidMomentMap(now);
  }

  /** A lower floor than the one that is known says nothing new, and would make its entry outlive that of the kept session. */
  raiseUser(userId: string, floor: string, kept: string | null, lapses: number): void {
    const moment = momentOf(floor);
    if (moment < (this.users.get(userId) ?? 0)) return;
    this.users.set(userId, moment, lapses);
    if (kept !== null) this.kept.set(kept, moment, lapses);
  }

  raiseEpoch(role: string | null, floor: string, lapses: number): void {
    const known = role === null ? this.everybody : this.roles.get(role);
    const epoch = { floor: known && this.isAlive(known) && known.floor > floor ? known.floor : floor, lapses };
    if (role === null) this.everybody = epoch;
    else this.roles.set(role, epoch);
  }

  isBelow({ sessionId, userId, roles }: SessionOfUser): boolean {
    if (this.isBefore(sessionId, this.everybody)) return true;
    if (this.roles.size > 0 && roles.some((role) => this.isBefore(sessionId, this.roles.get(role)))) return true;
    const moment = this.users.get(userId);
    if (moment === undefined || sessionId >= firstIdAt(moment)) return false;
    return (this.kept.get(sessionId) ?? 0) < moment;
  }

  ofUsers(): Generator<[userId: string, moment: number]> {
    return this.users.entries();
  }

  keptSessions(): Generator<[sessionId: string, moment: number]> {
    return this.kept.entries();
  }

  *ofRoles(): Generator<[role: string | null, floor: string]> {
    if (this.everybody && this.isAlive(this.everybody)) yield [null, this.everybody.floor];
    for (const [role, epoch] of this.roles) if (this.isAlive(epoch)) yield [role, epoch.floor];
  }

  private isBefore(sessionId: string, epoch: Epoch | undefined): boolean {
    return epoch !== undefined && sessionId < epoch.floor && this.isAlive(epoch);
  }

  private isAlive({ lapses }: Epoch): boolean {
    return lapses >= this.now();
  }
}

const HALF = 2 ** 32;

/** A map from UUID to a moment in milliseconds, whose 48 bits are more than one entry holds. */
class UuidMomentMap {
  private readonly high: UuidExpiryMap;
  private readonly low: UuidExpiryMap;

  constructor(now: () => number) {
    this.high = new UuidExpiryMap(now);
    this.low = new UuidExpiryMap(now);
  }

  get(id: string): number | undefined {
    const high = this.high.get(id);
    return high === undefined ? undefined : high * HALF + (this.low.get(id) ?? 0);
  }

  *entries(): Generator<[id: string, moment: number]> {
    for (const [id, high] of this.high.entries()) yield [id, high * HALF + (this.low.get(id) ?? 0)];
  }

  set(id: string, moment: number, lapses: number): void {
    this.high.set(id, Math.floor(moment / HALF), lapses);
    this.low.set(id, moment % HALF, lapses);
  }
}

/** Floors are the first ids of a millisecond, so that is all there is to keep of one. */
export function momentOf(floor: string): number {
  return Number.parseInt(floor.slice(0, 8) + floor.slice(9, 13), 16);
}
