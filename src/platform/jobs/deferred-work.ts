import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { isDatabaseUnavailable } from '../common/database-errors.js';
import { decrypt, encrypt } from '../common/encryption.js';
import { newId } from '../common/id.js';
import { KeyedMutex } from '../common/keyed-mutex.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Database } from '../database/database.js';
import { DatabaseFeed } from '../database/feed/database-feed.js';
import { Problem } from '../http/problem.js';
import { jittered } from './backoff.js';
import { Outbox, type OutboxItem } from './outbox.js';
import { OutboxWorker, type Outcome } from './outbox-worker.js';

/** Pieces of work that may wait at once, over all instances; more are refused, whatever they are about. */
const MOST_WAITING = 1_000;
/** Pieces of work under way at once in each instance: each may hold a connection, and requests need some. */
const AT_ONCE = 4;
/** Milliseconds for which a server that stops goes on with what waits. What is left then is done by the next one. */
const DRAIN = 4_000;
/** Milliseconds between looks whether all is done, and for how long. */
const SETTLING = 10;
const LONGEST_SETTLING = 5_000;
/** Work that fails for a fault of our own is given up after some 15 minutes. */
const LAST_ATTEMPT = 12;
const LONGEST_BACKOFF = 120_000;

/** What is done about a piece of work, in the transaction that also forgets it: once, however often it was begun. */
export type Work = (manager: EntityManager) => Promise<void>;

/** Looks at what was accepted, outside of any transaction, and returns what to do; null where there is nothing to do. */
export type Handler<Payload> = (payload: Payload) => Promise<Work | null>;

interface Kind {
  handle: Handler<never>;
  subjectOf: (payload: never) => string;
}

/**
 * Work whose caller is answered before it is begun, so that the answer cannot tell by its time what there was to do: whether an
 * address has an account, say. To accept it is one statement, the same whatever it is about. It stands in the outbox from then
 * on, encrypted, so that a restart, a crash and a database that is briefly away lose none of it.
 */
@Injectable()
export class DeferredWork extends OutboxWorker {
  private readonly kinds = new Map<string, Kind>();
  private readonly mutex = new KeyedMutex(AT_ONCE);
  private readonly key: Buffer;
  private readonly work: Outbox;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: Database,
    clock: Clock,
    feed: DatabaseFeed,
  ) {
    const work = new Outbox('work', 'piece of work', database, clock);
    const policy = { atOnce: AT_ONCE, receiver: 'database', backoff, lastAttempt: LAST_ATTEMPT, drain: DRAIN };
    super(work, policy, feed);
    this.work = work;
    this.key = config.deriveKey('deferred work');
  }

  /**
   * From here on work of this kind is done by `handle`. What has the same subject is done one after the other in this instance:
   * what one has decided is written before the next one looks.
   */
  register<Payload>(kind: string, handle: Handler<Payload>, subjectOf: (payload: Payload) => string): void {
    this.kinds.set(kind, { handle, subjectOf });
  }

  /** Accepts work of a kind, in the caller's transaction if one is given. Throws a Problem `overloaded` where too much waits. */
  async accept(kind: string, payload: object, manager?: EntityManager): Promise<void> {
    const id = newId();
    const sealed = encrypt(Buffer.from(JSON.stringify(payload)), this.key, id);
    if (!(await this.work.add({ id, kind, sealed }, MOST_WAITING, manager ?? this.database.manager)))
      throw new Problem('overloaded', { detail: 'Too many requests wait already. Try again in a moment.' });
    if (manager) this.database.afterCommit(manager, () => this.wake());
    else this.wake();
  }

  /** Resolves once all that was accepted is done, or after 5 s: for the development outbox, whose readers look for its mail. */
  async settled(): Promise<void> {
    for (let waited = 0; waited < LONGEST_SETTLING && !(await this.work.isEmpty()); waited += SETTLING)
      await wait(SETTLING);
  }

  protected async send({ id, kind, sealed }: OutboxItem, onLeft: () => void): Promise<Outcome> {
    // One that waits for a lock holds up no other: it takes one place of those there are.
    onLeft();
    const opened = decrypt(sealed, this.key, id);
    if (!opened) return refused('sealed under another APP_SECRET');
    const known = this.kinds.get(kind);
    if (!known) return refused('of a kind that this version does not know');
    const payload = JSON.parse(opened.toString('utf8')) as never;
    try {
      // The line is as long as what may be under way, so nothing finds it full.
      await this.mutex.run(`${kind} ${known.subjectOf(payload)}`, async () => {
        const work = await known.handle(payload);
        if (work !== null) await this.doOnce(id, work);
      });
      return { kind: 'delivered' };
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      return { kind: 'unreachable', reason: String(error) };
    }
  }

  /** The database ends by itself what takes too long. */
  protected close(): void {}

  private async doOnce(id: string, work: Work): Promise<void> {
    await this.database.transaction(async (manager) => {
      if (await this.work.take(id, manager)) await work(manager);
    });
  }
}

function refused(reason: string): Outcome {
  return { kind: 'refused', reason, lastAttempt: LAST_ATTEMPT };
}

/** 1 s, 2 s, 4 s … 2 min. */
function backoff(attempts: number): number {
  return jittered(Math.min(LONGEST_BACKOFF, 500 * 2 ** Math.min(attempts, 10)));
}
