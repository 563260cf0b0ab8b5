import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../common/clock.js';
import type { Database } from '../database/database.js';
import { ADD, CLAIM, IS_EMPTY, POSTPONE, REMOVE, RENEW, TAKE } from './outbox-store.js';

/** Milliseconds after which what an instance that died had claimed is taken over by another. */
const LEASE = 10_000;
/** Milliseconds until a fault that lasts is told again. */
const TOLD_AGAIN = 3_600_000;

/** A row of the outbox that this process has claimed. */
export interface OutboxItem {
  id: string;
  kind: string;
  sealed: Buffer;
  /** How often it was not taken, for reasons of its own. */
  attempts: number;
}

/**
 * The rows of one topic of the outbox, as their delivery needs them. What delivers them throws nothing: what the database does
 * not do is tried again, and stands in the log when that begins, when it is over, and once an hour between.
 */
export class Outbox {
  private readonly logger = new Logger(Outbox.name);
  /** Whose claims are this process's. */
  private readonly me = randomUUID();
  /** When each fault that lasts was told. */
  private readonly told = new Map<string, number>();

  /** `topic` is what rows of this kind are announced as, `noun` what the log calls one of them. */
  constructor(
    readonly topic: string,
    readonly noun: string,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Takes up to so many items that are due. */
  async claim(count: number): Promise<OutboxItem[]> {
    const claimed = await this.tell('claimed', () =>
      this.database.run<OutboxItem>(CLAIM, [count, LEASE, this.me, this.topic]),
    );
    return claimed ?? [];
  }

  /** Keeps the items that are still being sent. */
  async renew(ids: string[]): Promise<void> {
    await this.tell('kept', () => this.database.manager.query(RENEW, [ids, LEASE, this.me]));
  }

  /** Gives an item back for so many milliseconds; `counts` where that is an attempt. Otherwise its lease ends by itself. */
  async postpone(id: string, wait: number, reason: string, counts: boolean): Promise<void> {
    await this.tell('given back', () => this.database.manager.query(POSTPONE, [id, wait, reason, this.me, counts]));
  }

  /** Forgets an item. Whether the database knows of it. */
  async remove(id: string): Promise<boolean> {
    return (await this.tell('removed', () => this.database.manager.query(REMOVE, [id, this.me]))) !== undefined;
  }

  /** Adds an item, in the caller's transaction; false where so many wait already. Throws what the database throws. */
  async add(item: Omit<OutboxItem, 'attempts'>, mostWaiting: number, manager: EntityManager): Promise<boolean> {
    const values = [item.id, item.kind, item.sealed, this.topic, mostWaiting];
    return (await manager.query<unknown[]>(ADD, values)).length > 0;
  }

  /**
   * Forgets an item in the transaction that does what it asks for, so that it is done once. False where the item is another's by
   * now. Throws what the database throws.
   */
  async take(id: string, manager: EntityManager): Promise<boolean> {
    const [, count] = await manager.query<[unknown[], number]>(TAKE, [id, this.me]);
    return count > 0;
  }

  /** Whether nothing of this topic waits or is under way, in any instance. Throws what the database throws. */
  async isEmpty(): Promise<boolean> {
    const [row] = await this.database.manager.query<{ isEmpty: boolean }[]>(IS_EMPTY, [this.topic]);
    return row?.isEmpty ?? true;
  }

  /** For the beginning of a sentence. */
  private get items(): string {
    return `${this.noun.charAt(0).toUpperCase()}${this.noun.slice(1)}s`;
  }

  private async tell<T>(done: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      if (this.told.delete(done)) this.logger.log(`${this.items} can be ${done} again`);
      return result;
    } catch (error) {
      const now = this.clock.elapsed();
      if (now - (this.told.get(done) ?? Number.NEGATIVE_INFINITY) < TOLD_AGAIN) return undefined;
      this.told.set(done, now);
      this.logger.error(`${this.items} cannot be ${done}; trying again: ${error}`);
      return undefined;
    }
  }
}
