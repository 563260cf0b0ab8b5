import type { GuessRule } from './guess-rules.js';

/** What becomes of a request for a place: a place, or which rule (by its index) says no, and for how many milliseconds. */
export type Verdict =
  | { kind: 'admitted' }
  | { kind: 'refused'; rule: number; waitMs: number }
  /** As many guesses are being checked as could still be wrong: what becomes of them decides. */
  | { kind: 'undecided' };

/** How a guess ended; `unknown` where it could not be checked. */
export type Outcome = 'right' | 'wrong' | 'unknown';

/**
 * Where guesses are counted. A guess takes its place before it is checked, under all rules or none, in one atomic step:
 * guesses sent at the same moment cannot all find the count at nothing (CVE-2024-4629).
 */
export interface GuessStore {
  /** Takes a place under every rule, or none. */
  reserve(rules: readonly GuessRule[]): Promise<Verdict>;
  /** Gives a place back and counts the outcome. */
  settle(rules: readonly GuessRule[], outcome: Outcome): Promise<void>;
  /** Forgets the counts under these keys. */
  forget(keys: readonly string[]): Promise<void>;
}
