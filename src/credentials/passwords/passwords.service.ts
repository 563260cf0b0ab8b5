import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import * as store from './password-store.js';

/**
 * The password of each user: one row, or none. Every method runs in the caller's transaction, which has locked the user's
 * row: the order in which everything locks the two, and what makes an answer hold until the transaction ends.
 */
@Injectable()
export class Passwords {
  /** The hash of the user's password, or null for a user without one. */
  async hashOf(userId: string, manager: EntityManager): Promise<string | null> {
    const [row] = await manager.query<{ hash: string }[]>(store.HASH_OF, [userId]);
    return row?.hash ?? null;
  }

  /** Whether the hash that was checked is still the user's. */
  async isCurrent(userId: string, checkedHash: string, manager: EntityManager): Promise<boolean> {
    return (await this.hashOf(userId, manager)) === checkedHash;
  }

  /** Gives the user a password, whatever it was before; null takes it away. */
  async set(userId: string, hash: string | null, manager: EntityManager): Promise<void> {
    if (hash === null) await manager.query(store.REMOVE, [userId]);
    else await manager.query(store.SET, [userId, hash]);
  }

  /** Gives the user another password unless the one that was checked is no longer the one. Returns whether it did. */
  replace(userId: string, checkedHash: string, newHash: string, manager: EntityManager): Promise<boolean> {
    return changed(manager, store.REPLACE, [userId, checkedHash, newHash]);
  }

  /** As `replace`, with another hash of the same password: when it was chosen stays. */
  rehash(userId: string, checkedHash: string, newHash: string, manager: EntityManager): Promise<boolean> {
    return changed(manager, store.REHASH, [userId, checkedHash, newHash]);
  }
}

/** Whether an UPDATE found its row; TypeORM returns [rows, count] for it. */
async function changed(manager: EntityManager, sql: string, values: unknown[]): Promise<boolean> {
  const [, count] = await manager.query<[unknown[], number]>(sql, values);
  return count > 0;
}
