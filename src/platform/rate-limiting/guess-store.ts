import type { GuessRule } from './guess-rules.js';

/** What becomes of a request for a place: a place, or which rule (by its index) says no, and for how many milliseconds. */
export type Verdict =
  /** A place, known by when it was taken in the store's time. */
  | { kind: 'admitted'; since: number }
  | { kind: 'refused'; rule: number; waitMs: number }
  /** As many guesses are being checked as could still be wrong: what becomes of them decides. */
  | { kind: 'contended' };

/** How a guess ended; `unknown` where it could not be checked. */
export type Outcome = 'right' | 'wrong' | 'unknown';

/**
 * Where guesses are counted. A guess takes its place before it is checked, under all rules or none, in one atomic step:
 * guesses sent at the same moment cannot all find the count at nothing (CVE-2024-4629).
 */
export interface GuessStore {
  /** Takes a place under every rule, or none. A refusal leaves nothing behind. */
  reserve(rules: readonly GuessRule[]): Promise<Verdict>;
  /** Gives the place back that was taken then, and counts the outcome, unless it has counted as wrong meanwhile. */
  settle(rules: readonly GuessRule[], since: number, outcome: Outcome): Promise<void>;
  /** Forgets the counts under these keys. */
  forget(keys: readonly string[]): Promise<void>;
}
