import { UuidExpiryMap } from './uuid-expiry-map.js';

/** Role sets that are told apart; of users with any more of them nothing is remembered. */
const MOST_ROLE_SETS = 10_000;

/** What this instance last heard of a user. */
export interface UserState {
  roles: readonly string[];
  disabled: boolean;
}

/**
 * What users were allowed when this instance last heard of them, for a database that forgets it. One number for each user:
 * there are few sets of roles, however many users have them.
 */
export class KnownUsers {
  private readonly states: UuidExpiryMap;
  /** Of which change a state is, by the low 32 bits of its number. */
  private changes: UuidExpiryMap;
  private readonly roleSets: (readonly string[])[] = [];
  private readonly numbers = new Map<string, number>();

  /** `now` gives seconds since the epoch. */
  constructor(private readonly now: () => number) {
    this.states = new UuidExpiryMap(now);
    this.changes = new UuidExpiryMap(now);
  }

  /** Changes may be heard of in another order than they were made in: what an older one says is passed over. */
  remember(userId: string, change: number, { roles, disabled }: UserState, lapses: number): void {
    const known = this.changes.get(userId);
    if (known !== undefined && ((change - known) | 0) < 0) return;
    this.changes.set(userId, change >>> 0, lapses);
    const number = this.numberOf(roles);
    if (number === undefined) this.states.forget(userId);
    else this.states.set(userId, number * 2 + Number(disabled), lapses);
  }

  /** Takes whatever is heard of the user next for newer. */
  forgetOrderOf(userId: string): void {
    this.changes.forget(userId);
  }

  /** Takes whatever is heard next for newer: a database that was set back may count from a lower number. */
  forgetOrder(): void {
    this.changes = new UuidExpiryMap(this.now);
  }

  /** What was last heard of a user, or null. */
  of(userId: string): UserState | null {
    const state = this.states.get(userId);
    if (state === undefined) return null;
    return { roles: this.roleSets[state >>> 1] ?? [], disabled: (state & 1) === 1 };
  }

  private numberOf(roles: readonly string[]): number | undefined {
    const key = roles.join(' ');
    const known = this.numbers.get(key);
    if (known !== undefined || this.roleSets.length >= MOST_ROLE_SETS) return known;
    this.numbers.set(key, this.roleSets.length);
    return this.roleSets.push(roles) - 1;
  }
}
