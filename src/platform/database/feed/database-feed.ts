import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { Clock } from '../../common/clock.js';
import type { ApplyChange, Change, ChangeFeed } from './change-feed.js';
import { ClockError, ClockWatch } from './clock-watch.js';
import type { Look, LookSource } from './look.js';
import { Pulse } from './pulse.js';

/** The injection token of the LookSource. */
export const LOOK_SOURCE = Symbol('LOOK_SOURCE');

/** Milliseconds without a pulse after which one is sent through the pool: the link sends none, or is busy. */
const OVERDUE = 2_000;
/** Milliseconds after which a silent feed is not whole any more. */
const SILENCE = 3_000;
/** Milliseconds after a set-back for all instances to have noticed it and written back what they know. */
const WRITE_BACK = 2_000;
/** The injection token of the milliseconds until a reading that failed is tried again. */
const RETRY = Symbol('RETRY');
/** Milliseconds for the first pulse to be heard. */
const FIRST_PULSE = 10_000;

/** The database answers, but no pulse comes from it: it cannot commit. */
export class NoPulseError extends Error {
  override readonly name = 'NoPulseError';
  constructor() {
    super(
      'The database answers but commits nothing: it is a standby, is full, or waits for a standby that is away. Check DATABASE_URL.',
    );
  }
}

/**
 * The change feed of this instance: takes what each look brought, hands it to all that keep a copy, and knows up to when
 * all of it has been applied. It is whole up to the last pulse, not to the last answer: a database that answers may be cut
 * off from all others.
 */
@Injectable()
export class DatabaseFeed implements ChangeFeed, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseFeed.name);
  private readonly subscribers = new Map<string, ApplyChange[]>();
  private readonly bells = new Map<string, () => void>();
  private readonly resyncs: (() => Promise<void>)[] = [];
  private readonly restores: ((since: string) => Promise<void>)[] = [];
  private readonly clocks: ClockWatch;
  /** Of the last look. */
  private latest: Pick<Look, 'edition' | 'setBackAt'> & { heardAt: number } = {
    edition: 0,
    setBackAt: null,
    heardAt: Number.NEGATIVE_INFINITY,
  };
  /** When the last set-back was noticed, in milliseconds of `Clock.elapsed`. */
  private setBackSeenAt = Number.NEGATIVE_INFINITY;
  /** The edition that everything was read anew for, and when that was last known to be whole. */
  private whole = { edition: 0, at: Number.NEGATIVE_INFINITY };
  private reading: Promise<void> | undefined;
  private restoredSince: string | null = null;
  private stopping = false;

  constructor(
    @Inject(LOOK_SOURCE) private readonly source: LookSource,
    private readonly clock: Clock,
    private readonly pulse: Pulse,
    @Optional() @Inject(RETRY) private readonly retry = 500,
  ) {
    this.clocks = new ClockWatch(clock);
  }

  on(kind: string, apply: ApplyChange): void {
    this.subscribers.set(kind, [...(this.subscribers.get(kind) ?? []), apply]);
  }

  /** Subscribes to a word that is notified beside the feed. It may be lost, and anybody may send it. */
  onBell(word: string, act: () => void): void {
    this.bells.set(word, act);
  }

  onResync(read: () => Promise<void>): void {
    this.resyncs.push(read);
  }

  /**
   * Adds what writes back that which this instance knows and the database may have lost: it has failed over, or was
   * restored. `since` is a moment of the database; what was written after it was written knowingly.
   */
  onSetBack(restore: (since: string) => Promise<void>): void {
    this.restores.push(restore);
  }

  /**
   * Joins the feed and reads everything once. Throws where the database cannot be reached, is silent, or has another time,
   * and ChannelError where its notifications do not arrive: a server that cannot hear must not start.
   */
  async start(): Promise<void> {
    await this.source.start((look) => this.receive(look));
    await this.reading;
    if (this.whole.edition === 0) await this.resync();
    const began = this.clock.elapsed();
    while (!this.isSynchronized) {
      if (this.clock.elapsed() - began > FIRST_PULSE) throw new NoPulseError();
      await wait(10);
    }
    if (!this.clocks.isFit) throw new ClockError(this.clock.databaseOffset);
  }

  /** Whether everything was read once, so that requests can be taken. */
  get hasStarted(): boolean {
    return this.whole.at > Number.NEGATIVE_INFINITY;
  }

  get lagMs(): number {
    return this.clock.elapsed() - this.whole.at;
  }

  get isSynchronized(): boolean {
    return this.whole.edition === this.latest.edition && this.lagMs < SILENCE;
  }

  /** Whether what was read can be all there is: after a set-back others may know more, and be about to write it back. */
  get isComplete(): boolean {
    return this.isSynchronized && this.clock.elapsed() - this.setBackSeenAt >= WRITE_BACK;
  }

  /** Whether this machine and the database have about the same time. */
  get isClockFit(): boolean {
    return this.clocks.isFit;
  }

  get isStopped(): boolean {
    return this.stopping;
  }

  /** After the last answer: until then a token may be checked, and the end of its session must be heard. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.source.stop();
  }

  private receive({ changes, words, edition, setBackAt, beganAt, pulseAge, offset }: Look): void {
    this.clocks.note(offset);
    // What it cannot do shows by the pulse that does not come.
    if (pulseAge >= OVERDUE) this.pulse.beat().catch(() => undefined);
    // A set-back from before the first look is nothing that this instance could know more of.
    if (this.latest.edition === 0) this.restoredSince = setBackAt;
    else if (setBackAt !== this.latest.setBackAt) this.setBackSeenAt = this.clock.elapsed();
    this.latest = { edition, setBackAt, heardAt: beganAt - pulseAge };
    for (const change of changes) this.apply(change);
    for (const word of words) this.bells.get(word)?.();
    if (edition === this.whole.edition) this.whole.at = this.latest.heardAt;
    else this.reading ??= this.catchUp().finally(() => (this.reading = undefined));
  }

  private apply(change: Change): void {
    for (const apply of this.subscribers.get(change.kind) ?? []) apply(change);
  }

  /** Reads everything anew, until that is of the edition of the last look. The first reading is `start`'s to repeat. */
  private async catchUp(): Promise<void> {
    let attempt = 0;
    while (this.whole.edition !== this.latest.edition && !this.stopping) {
      const isFirst = this.whole.edition === 0;
      try {
        await this.resync();
      } catch (error) {
        if (isFirst) return;
        await this.postpone('What may have been missed could not be read', error, attempt++);
      }
    }
  }

  private async resync(): Promise<void> {
    const { edition, setBackAt } = this.latest;
    for (const read of this.resyncs) await read();
    this.whole = { edition, at: this.latest.edition === edition ? this.latest.heardAt : this.whole.at };
    if (setBackAt !== null && setBackAt !== this.restoredSince) void this.restore(setBackAt);
  }

  /** Not awaited: the list refuses what it knows in the meantime. What fails has its next turn after the others. */
  private async restore(since: string): Promise<void> {
    this.restoredSince = since;
    this.logger.warn('The database has changed or begun anew; writing back what it may have lost');
    let left = this.restores;
    for (let attempt = 0; left.length > 0; attempt++) {
      const failed: typeof left = [];
      for (const restore of left) {
        if (this.stopping || this.restoredSince !== since) return;
        await restore(since).catch((error) => {
          failed.push(restore);
          return this.postpone('What the database may have lost could not be written back', error, attempt);
        });
      }
      left = failed;
    }
  }

  /** Says so once, however often it fails. */
  private async postpone(what: string, error: unknown, attempt: number): Promise<void> {
    if (attempt === 0) this.logger.warn(`${what}; trying again (${error})`);
    await wait(this.retry, undefined, { ref: false });
  }
}
