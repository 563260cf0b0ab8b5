/** A row of the table `changes`: something that every instance has to hear of. */
export interface Change {
  /** Changes of one row are numbered in the order in which they were made. */
  number: number;
  /** What has changed, such as `session`. */
  kind: string;
  id: string | null;
  ver: number | null;
  /** The roles of a user from here on. */
  roles: string[] | null;
  /** Below which id sessions are dead from here on: the user's, those of a role's holders, or everybody's. */
  floor: string | null;
  /** The user's session that goes on below the floor. */
  kept: string | null;
  /** Whether the user is disabled from here on. */
  disabled: boolean | null;
}

/** Applies a change. The same one may come twice, and changes in another order. */
export type ApplyChange = (change: Change) => void;

/**
 * Where this instance hears of changes that any instance committed. Whatever depends on them also gives a reading of its
 * tables, which runs before the feed counts as whole: at start, and whenever changes may have been missed.
 */
export interface ChangeFeed {
  /** Milliseconds since the feed was last known to be whole; every change committed before then has been applied. */
  readonly lagMs: number;
  /** Whether the feed is whole right now. */
  readonly isSynchronized: boolean;
  /** Whether the feed has ended for good, because the process stops. */
  readonly isStopped: boolean;
  /** Subscribes to the changes of this kind. */
  on(kind: string, apply: ApplyChange): void;
  /** Adds a reading to run whenever changes may have been missed. Where it rejects, the feed is not whole yet. */
  onResync(read: () => Promise<void>): void;
}
