import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Clock } from '../../common/clock.js';
import type { ApplyChange, ChangeFeed } from './change-feed.js';

/** Milliseconds after which a table that could not be read is read again. */
const RETRY = 500;
/** Milliseconds for which a reading is used again while the feed is lost. */
const FRESH_ENOUGH = 1_000;

/** What is to be said of a table so that every instance can keep it in memory. */
export interface TableReplica<Snapshot> {
  /** As the log calls it, such as `roles`. */
  name: string;
  /** By the kind of a change: how to apply it, or that the table is to be read again. */
  changes: Record<string, ApplyChange | 'reload'>;
  /** Reads all that has to be in memory. A table too large for one snapshot applies its rows as they come. */
  read(): Promise<Snapshot>;
  /**
   * Puts a snapshot in place of what is in memory. Returns false where both are known to say the same. Absent where `read`
   * applies rows itself, to a copy that only grows.
   */
  swap?(snapshot: Snapshot): boolean;
}

interface Reading {
  /** Readings are numbered in the order in which they begin. */
  number: number;
  beganAt: number;
  /** Changes applied meanwhile, which the snapshot may not hold yet. */
  missed: (() => void)[];
}

/**
 * A table, or a part of one, that every instance keeps in memory. It is read before the first request and after every
 * loss of the feed, and told of changes in between. Of readings that overlap the one that began later counts, whichever
 * ends last: it has seen what the other one has seen.
 */
export class ReplicatedTable<Snapshot = void> {
  private readonly logger = new Logger(ReplicatedTable.name);
  private readonly underWay = new Set<Reading>();
  private latest: { beganAt: number; done: Promise<void> } | undefined;
  private begun = 0;
  /** The number of the reading that is in memory. */
  private counted = 0;
  /** The number of the first reading that is sure to hold every change which was to be read again. */
  private needed = 0;
  private readAt = Number.NEGATIVE_INFINITY;
  private isReloading = false;
  private isBehind = false;
  private swaps = 0;

  /** `retry` is in milliseconds. */
  constructor(
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
    private readonly replica: TableReplica<Snapshot>,
    private readonly retry = RETRY,
  ) {}

  /** Joins the feed: from its next start on the copy is kept. */
  follow(): void {
    for (const [kind, apply] of Object.entries(this.replica.changes)) {
      this.feed.on(kind, apply === 'reload' ? () => this.reload() : (change) => this.apply(() => apply(change)));
    }
    this.feed.onResync(() => this.load());
  }

  /** Grows whenever a reading has put something else in memory. */
  get edition(): number {
    return this.swaps;
  }

  /** Milliseconds since every committed change was known to be in memory. */
  get lagMs(): number {
    return this.feed.lagMs;
  }

  /** Whether the copy is what the database holds: the feed is whole, or the copy was read within the last second. */
  get isSynchronized(): boolean {
    const wasJustRead = this.clock.elapsed() - this.readAt < FRESH_ENOUGH;
    return !this.isBehind && (this.feed.isSynchronized || wasJustRead);
  }

  /** Reads the table now: what was committed before the call is in memory after it. Rejects as `read` does. */
  load(): Promise<void> {
    const reading = { number: ++this.begun, beganAt: this.clock.elapsed(), missed: [] };
    const done = this.read(reading);
    this.latest = { beganAt: reading.beganAt, done };
    return done;
  }

  /**
   * Reads through to the table while the copy is not synchronized; callers within a second share a reading. Where it
   * cannot be read, what was last known of it counts.
   */
  async refresh(): Promise<void> {
    const { latest } = this;
    const isFresh = latest !== undefined && this.clock.elapsed() - latest.beganAt < FRESH_ENOUGH;
    await (isFresh ? latest.done : this.load()).catch(() => undefined);
  }

  private async read(reading: Reading): Promise<void> {
    this.underWay.add(reading);
    try {
      const snapshot = await this.replica.read();
      if (reading.number > this.counted) this.accept(reading, snapshot);
    } finally {
      this.underWay.delete(reading);
    }
  }

  private accept(reading: Reading, snapshot: Snapshot): void {
    this.counted = reading.number;
    this.readAt = reading.beganAt;
    if (this.counted >= this.needed) this.isBehind = false;
    if (!this.replica.swap) return;
    if (this.replica.swap(snapshot)) this.swaps++;
    for (const change of reading.missed) change();
  }

  private apply(change: () => void): void {
    if (this.replica.swap) for (const reading of this.underWay) reading.missed.push(change);
    change();
  }

  /** A reading under way may have begun before the change, so only one that begins from now on is sure to hold it. */
  private reload(): void {
    this.needed = this.begun + 1;
    if (!this.isReloading) void this.catchUp();
  }

  /** Reads until nothing is needed any more: however many changes come during a reading, one more is enough. */
  private async catchUp(): Promise<void> {
    this.isReloading = true;
    while (this.counted < this.needed && !this.feed.isStopped) {
      await this.load().catch((error) => this.postpone(error));
    }
    this.isReloading = false;
  }

  private async postpone(error: unknown): Promise<void> {
    if (!this.isBehind) this.logger.warn(`The ${this.replica.name} could not be read again; trying on: ${error}`);
    this.isBehind = true;
    await wait(this.retry, undefined, { ref: false });
  }
}
