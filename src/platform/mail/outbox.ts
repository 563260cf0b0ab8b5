import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Database } from '../database/database.js';
import { CLAIM, POSTPONE, REMOVE, RENEW } from './mail-store.js';

/** Milliseconds after which the mails of an instance that died are taken over by another. */
const LEASE = 10_000;
/** Milliseconds until a fault that lasts is told again. */
const TOLD_AGAIN = 3_600_000;

/** A mail that this process has taken. */
export interface Claimed {
  id: string;
  kind: string;
  sealed: Buffer;
  /** How often it was not taken, for reasons of its own. */
  attempts: number;
}

/**
 * The rows of the outbox, as its delivery needs them. Nothing here throws: what the database does not do is tried again,
 * and stands in the log when that begins, when it is over, and once an hour between.
 */
@Injectable()
export class Outbox {
  private readonly logger = new Logger(Outbox.name);
  /** Whose claims are this process's. */
  private readonly me = randomUUID();
  /** When each fault that lasts was told. */
  private readonly told = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Takes up to so many mails that are due. */
  async claim(count: number): Promise<Claimed[]> {
    const claimed = await this.tell('claimed', () => this.database.run<Claimed>(CLAIM, [count, LEASE, this.me]));
    return claimed ?? [];
  }

  /** Keeps the mails that are still being sent. */
  async renew(ids: string[]): Promise<void> {
    await this.tell('kept', () => this.database.manager.query(RENEW, [ids, LEASE, this.me]));
  }

  /** Gives a mail back for so many milliseconds; `counts` where that is an attempt. Otherwise its lease ends by itself. */
  async postpone(id: string, wait: number, reason: string, counts: boolean): Promise<void> {
    await this.tell('given back', () => this.database.manager.query(POSTPONE, [id, wait, reason, this.me, counts]));
  }

  /** Forgets a mail. Whether the database knows of it. */
  async remove(id: string): Promise<boolean> {
    return (await this.tell('removed', () => this.database.manager.query(REMOVE, [id, this.me]))) !== undefined;
  }

  private async tell<T>(done: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      if (this.told.delete(done)) this.logger.log(`Mails can be ${done} again`);
      return result;
    } catch (error) {
      const now = this.clock.elapsed();
      if (now - (this.told.get(done) ?? Number.NEGATIVE_INFINITY) < TOLD_AGAIN) return undefined;
      this.told.set(done, now);
      this.logger.error(`Mails cannot be ${done}; trying again: ${error}`);
      return undefined;
    }
  }
}
