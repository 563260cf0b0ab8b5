const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;

/** How wrong guesses are counted under one key. Durations in milliseconds. */
export interface GuessRule {
  /** A keyed hash: no store learns whose count it is. */
  key: string;
  /** Wrong guesses that cost nothing. */
  free: number;
  /** The pause after the last free one; each further wrong guess doubles it. */
  first: number;
  /** The longest pause. Never beyond the time at which the count is forgotten. */
  most: number;
  /** When the count is forgotten. */
  forget: number;
  /** Whether a right guess sets the count to nothing, and the time to forget runs from the last wrong guess, not the first. */
  consecutive: boolean;
  /** Counts, but lets everybody through. */
  open: boolean;
}

type Form = Omit<GuessRule, 'key' | 'open'>;

/** An account from one address: five wrong guesses are free, then a pause that doubles from 1 s to 15 min. */
export const ACCOUNT_AND_ADDRESS: Form = {
  free: 5,
  first: SECOND,
  most: 15 * MINUTE,
  forget: DAY,
  consecutive: true,
};

/**
 * An account from everywhere: after 100 wrong guesses in a row (NIST SP 800-63B, 3.2.2) only addresses that have signed in to it
 * before may guess on, each as the rule above lets it.
 */
export const ACCOUNT: Form = { free: 100, first: 30 * DAY, most: 30 * DAY, forget: 30 * DAY, consecutive: true };

/** An address over all accounts: 100 wrong guesses in 15 min. */
export const ADDRESS: Form = {
  free: 100,
  first: 15 * MINUTE,
  most: 15 * MINUTE,
  forget: 15 * MINUTE,
  consecutive: false,
};

/**
 * An IPv6 /48 over all accounts and all of its 65 536 clients: ten times as many. A known address gets past it, since others
 * of its network may have used it up.
 */
export const SITE: Form = { ...ADDRESS, free: 1_000 };

/** How long a place may be held, ms. A process that holds one longer has died, and the guess counts as wrong. */
export const LONGEST_CHECK = MINUTE;
