import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InterruptibleTimer } from '../common/interruptible-timer.js';
import type { DatabaseFeed } from '../database/feed/database-feed.js';
import { jittered } from './backoff.js';
import type { Outbox, OutboxItem } from './outbox.js';

const RENEW_EVERY = 3_000;
/** Milliseconds between looks at the table, for what no notification told: leases and back-offs that end. */
const POLL = 2_000;
const LONGEST_PAUSE = 10_000;
/** Milliseconds for what is under way when the process stops: requests are still to be finished after it. */
const GRACE = 2_000;

/** How what one topic of the outbox holds is delivered. */
export interface DeliveryPolicy {
  /** Items under way at once at most. */
  atOnce: number;
  /** Who takes the items, for the log. */
  receiver: string;
  /** Milliseconds that an item waits alone after its so-many-th attempt. */
  backoff: (attempts: number) => number;
  /** The attempt after which an item is given up whose delivery fails for a fault of our own. */
  lastAttempt: number;
  /** Milliseconds for which a process that stops goes on until nothing is due; without, it begins nothing more. */
  drain?: number;
}

/** What became of an attempt. */
export type Outcome =
  | { kind: 'delivered' }
  /** Not taken, for reasons of its own: it waits alone, and is given up after the last attempt. */
  | { kind: 'refused'; reason: string; lastAttempt: number }
  /** The receiver could not be asked, which is no attempt of this item: the whole topic pauses. */
  | { kind: 'unreachable'; reason: string };

/**
 * Delivers one topic of the outbox. An item is claimed by one instance at a time under a lease that is renewed while it is
 * sent, so each is sent once; after a crash another instance sends it. It is sent twice only where the receiver leaves doubt:
 * the process, its database or the connection is lost between the item's last byte and the removal of its row.
 * A receiver that is down pauses the whole topic; an item that it refuses, or leaves in doubt, backs off alone, and one that
 * it is slow to answer holds up no other.
 */
export abstract class OutboxWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(this.constructor.name);
  private readonly timer = new InterruptibleTimer();
  /** By id, what resolves when this process is done with an item. */
  private readonly underWay = new Map<string, Promise<void>>();
  private renewal: NodeJS.Timeout | undefined;
  private finished = Promise.resolve();
  private stopped = false;
  private onEmpty: () => void = () => undefined;
  /** Rounds in a row in which the receiver could not be reached. */
  private failures = 0;

  protected constructor(
    private readonly outbox: Outbox,
    private readonly policy: DeliveryPolicy,
    feed: DatabaseFeed,
  ) {
    feed.onBell(outbox.topic, () => this.timer.wake());
    feed.onResync(async () => this.timer.wake());
  }

  /** Sends one item. Calls `onLeft` once all of it has left and only the answer is missing, whose wait holds up no other. */
  protected abstract send(item: OutboxItem, onLeft: () => void): Promise<Outcome>;

  /** Lets go of the receiver, and ends at once what is still under way. */
  protected abstract close(): void;

  onApplicationBootstrap(): void {
    this.renewal = setInterval(() => void this.renew(), RENEW_EVERY).unref();
    this.finished = this.run();
  }

  /** Finishes what is under way, or gives it back to the outbox if the receiver takes too long. */
  async onModuleDestroy(): Promise<void> {
    if (this.policy.drain !== undefined) await this.drained(this.policy.drain);
    this.stopped = true;
    this.timer.stop();
    const late = setTimeout(() => this.close(), GRACE);
    await this.finished;
    clearTimeout(late);
    clearInterval(this.renewal);
    this.close();
  }

  /** Looks for items now. */
  protected wake(): void {
    this.timer.wake();
  }

  /** Resolves once a round found nothing, or after so many milliseconds. */
  private async drained(limit: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, limit);
      this.onEmpty = () => {
        clearTimeout(late);
        resolve();
      };
      this.timer.wake();
    });
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const failuresBefore = this.failures;
      const claimed = await this.round();
      if (this.failures > failuresBefore) await this.timer.sleepThrough(pause(this.failures));
      else if (claimed === 0) {
        if (this.underWay.size === 0) this.onEmpty();
        await this.timer.sleep(POLL);
      }
    }
    await Promise.all(this.underWay.values());
  }

  /**
   * Hands over what is due, as far as there is room, and returns how many items that were. While the receiver is down a
   * single one finds out whether it is back.
   */
  private async round(): Promise<number> {
    const { atOnce, receiver } = this.policy;
    const room = Math.min(this.failures > 0 ? 1 : atOnce, atOnce - this.underWay.size);
    const items = room > 0 ? await this.outbox.claim(room) : [];
    const unreached: [OutboxItem, string][] = [];
    await Promise.all(
      items.map(async (item) => {
        const reason = await this.dispatch(item);
        if (reason !== null) unreached.push([item, reason]);
      }),
    );
    const reached = unreached.length < items.length;
    for (const [item, reason] of unreached) {
      // An item on which the receiver hangs up while it takes others waits alone, like one that it refuses.
      await this.postpone(item, reason, reached);
      this.letGo(item);
    }
    if (reached) {
      if (this.failures > 0) this.logger.log(`The ${receiver} takes ${this.outbox.noun}s again`);
      this.failures = 0;
    } else if (items.length > 0) this.failures++;
    return items.length;
  }

  /**
   * Begins to send one item. Resolves with null once the receiver has it or has had its say, whose answer is awaited apart;
   * or with why it could not be asked.
   */
  private dispatch(item: OutboxItem): Promise<string | null> {
    return new Promise((resolve) => {
      let hasLeft = false;
      const onLeft = () => {
        hasLeft = true;
        resolve(null);
      };
      const delivered = this.deliver(item, onLeft).then(async (reason) => {
        // The round went on without it, and pauses for it no more.
        if (reason !== null && hasLeft) await this.outbox.postpone(item.id, pause(1), reason, false);
        if (reason === null || hasLeft) this.letGo(item);
        resolve(reason);
      });
      this.underWay.set(item.id, delivered);
    });
  }

  private letGo({ id }: OutboxItem): void {
    if (this.underWay.size === this.policy.atOnce) this.timer.wake();
    this.underWay.delete(id);
  }

  /** Sends one item and settles its row. Returns why the receiver could not be asked, or null where it could. */
  private async deliver(item: OutboxItem, onLeft: () => void): Promise<string | null> {
    const outcome = await this.send(item, onLeft).catch((error) => this.unexpected(error));
    if (outcome.kind === 'unreachable') return outcome.reason;
    if (outcome.kind === 'delivered') await this.remove(item);
    else if (item.attempts + 1 >= outcome.lastAttempt) await this.giveUp(item, outcome.reason);
    else await this.postpone(item, outcome.reason, true);
    return null;
  }

  private unexpected(error: unknown): Outcome {
    this.logger.error(`A ${this.outbox.noun} could not be made ready`, error);
    return { kind: 'refused', reason: 'internal error', lastAttempt: this.policy.lastAttempt };
  }

  /** Forgets a delivered item. Until the database knows, the lease is renewed, so that no instance sends it again. */
  private async remove({ id }: OutboxItem): Promise<void> {
    while (!(await this.outbox.remove(id)) && !this.stopped) await this.timer.sleepThrough(500);
  }

  /** Gives an item back: `alone`, for longer each time, or with the whole topic while the receiver is down. */
  private async postpone({ id, kind, attempts }: OutboxItem, reason: string, alone: boolean): Promise<void> {
    if (alone || this.failures === 0)
      this.logger.warn(`A ${this.outbox.noun} (${kind}, ${id}) was not taken and waits: ${reason}`);
    await this.outbox.postpone(id, alone ? this.policy.backoff(attempts + 1) : 0, reason, alone);
  }

  private async giveUp({ id, kind, attempts }: OutboxItem, reason: string): Promise<void> {
    this.logger.error(`A ${this.outbox.noun} (${kind}, ${id}) is given up after ${attempts + 1} attempts: ${reason}`);
    await this.outbox.remove(id);
  }

  private async renew(): Promise<void> {
    if (this.underWay.size > 0) await this.outbox.renew([...this.underWay.keys()]);
  }
}

/** 1 s at first, up to 10 s. */
function pause(failures: number): number {
  return jittered(Math.min(LONGEST_PAUSE, 500 * 2 ** Math.min(failures, 10)));
}
