/** Applies what a change says after its first word. The same change may come twice, and changes in another order. */
export type ApplyChange = (rest: string) => void;

/**
 * Where this instance hears of changes that any instance committed. Each begins with a word that says what has changed.
 * Changes are not kept for an instance that cannot hear: whatever depends on them also gives a reading of the tables,
 * which runs before the feed counts as whole: at start, and after every loss.
 */
export interface ChangeFeed {
  /** Milliseconds since the feed was last known to be whole; every change committed before then has been applied. */
  readonly lagMs: number;
  /** Whether the feed is whole right now. */
  readonly isSynchronized: boolean;
  /** Whether the feed has ended for good, because the process stops. */
  readonly isStopped: boolean;
  /** Subscribes to the changes that begin with this word. */
  on(word: string, apply: ApplyChange): void;
  /** Adds a reading to run whenever changes may have been missed. Where it rejects, the feed is not whole yet. */
  onResync(read: () => Promise<void>): void;
}
