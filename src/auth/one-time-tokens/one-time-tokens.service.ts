import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/http/problem.js';
import type { AddressHolder } from '../../users/accounts.service.js';
import * as store from './one-time-token-store.js';

const HOUR = 3_600_000;

/** What a mailed token is good for, and for how long, in milliseconds. */
export const TOKEN_LIFE = {
  verify_email: 24 * HOUR,
  reset_password: HOUR / 2,
  invitation: 7 * 24 * HOUR,
  change_email: 24 * HOUR,
  undo_email_change: 72 * HOUR,
} as const;

export type TokenPurpose = keyof typeof TOKEN_LIFE;

/** Whose a token is, and what their password must not be. */
export interface TokenOwner {
  id: string;
  email: string;
  username: string | null;
}

/** What a token was for, once it is spent. */
export interface SpentToken extends AddressHolder {
  purpose: TokenPurpose;
  createdAt: Date;
  /** What its flow left with it, or null. */
  data: unknown;
}

/** What is stored about a token, and where it stands among those of its owner, which is nobody's to see. */
export interface StoredToken {
  purpose: TokenPurpose;
  email: string;
  createdAt: Date;
  expiresAt: Date;
  moment: string;
  hash: string;
}

/**
 * Whatever is good once: 256 random bits, of which the database holds only the SHA-256, each bound to a purpose and, where
 * it has them, an owner and an address, for a time. Of a mailed link a new one replaces the one before of its purpose.
 */
@Injectable()
export class OneTimeTokens {
  constructor(private readonly database: Database) {}

  /** Makes a token and returns it; it is stored nowhere. The caller's transaction has locked the user. */
  async issue(
    purpose: TokenPurpose,
    { userId, email, emailKey }: AddressHolder,
    manager: EntityManager,
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    await manager.query(store.ISSUE, [hash(token), purpose, userId, email, emailKey, TOKEN_LIFE[purpose]]);
    return token;
  }

  /** Whose token it is, without using it; null where it is none. */
  async findOwner(token: string, purpose: TokenPurpose): Promise<TokenOwner | null> {
    const [owner] = await this.database.manager.query<TokenOwner[]>(store.FIND, [hash(token), [purpose]]);
    return owner ?? null;
  }

  /** Whether the user has been mailed a link of this purpose that still works. */
  async hasLive(userId: string, purpose: TokenPurpose): Promise<boolean> {
    const [row] = await this.database.manager.query<{ live: boolean }[]>(store.HAS_LIVE, [userId, purpose]);
    return row?.live ?? false;
  }

  /** As `findOwner`. Throws a Problem `invalid_token_link`. */
  async ownerOf(token: string, purpose: TokenPurpose): Promise<TokenOwner> {
    const owner = await this.findOwner(token, purpose);
    if (!owner) throw new Problem('invalid_token_link');
    return owner;
  }

  /**
   * Uses a token up and leaves its owner locked for the rest of the transaction. Of many at once one succeeds. `proof` is the
   * hash of the second secret, of a token that was issued with one.
   * Throws a Problem `invalid_token_link` for one that is unknown, used, expired, replaced, of another purpose, without
   * its proof, out of attempts, of an account that is not active, or for an address that the account no longer has.
   */
  async spend(
    token: string,
    purposes: TokenPurpose[],
    manager: EntityManager,
    proof: Buffer | null = null,
  ): Promise<SpentToken> {
    await manager.query(store.LOCK_OWNER, [hash(token)]);
    const [rows] = await manager.query<[SpentToken[], number]>(store.SPEND, [hash(token), purposes, proof]);
    if (!rows[0]) throw new Problem('invalid_token_link');
    return rows[0];
  }

  /**
   * Counts a wrong attempt against a token that bears only so many, and returns how many are left; after the last it can
   * no longer be spent. The caller's transaction must commit, whatever it answers.
   * Throws a Problem `invalid_token_link` for one that bears none, so that no more than it bears are ever told "wrong".
   */
  async countWrongAttempt(token: string, purposes: TokenPurpose[], manager: EntityManager): Promise<number> {
    type Counted = { attemptsLeft: number };
    const [rows] = await manager.query<[Counted[], number]>(store.COUNT_WRONG_ATTEMPT, [hash(token), purposes]);
    if (!rows[0]) throw new Problem('invalid_token_link');
    return rows[0].attemptsLeft;
  }

  /** Voids the user's tokens but for undo links, which outlive a change of password. */
  async voidAll(userId: string, manager: EntityManager): Promise<void> {
    await this.void(userId, ['verify_email', 'reset_password', 'invitation', 'change_email'], manager);
  }

  /** Voids the user's tokens of these purposes. */
  async void(userId: string, purposes: TokenPurpose[], manager: EntityManager): Promise<void> {
    await manager.query(store.VOID, [userId, purposes]);
  }

  /** Voids the undo links of changes of address made at or after a moment. */
  async voidUndoLinks(userId: string, since: Date, manager: EntityManager): Promise<void> {
    await manager.query(store.VOID_UNDO_LINKS, [userId, since]);
  }

  /**
   * Voids the undo link to an address to which the account has just returned, and those from later changes. Returns whether
   * there was one.
   */
  async voidUndoLinksTo(userId: string, emailKey: string, manager: EntityManager): Promise<boolean> {
    const [back] = await manager.query<{ createdAt: Date }[]>(store.UNDO_LINK, [userId, emailKey]);
    if (back) await this.voidUndoLinks(userId, back.createdAt, manager);
    return back !== undefined;
  }

  /** What is stored about the user's tokens, newest first: those that follow `after`. */
  storedOf(userId: string, limit: number, after: StoredToken | null): Promise<StoredToken[]> {
    const values = [userId, after?.moment ?? null, after?.hash ?? null, limit];
    return this.database.manager.query<StoredToken[]>(store.STORED_OF, values);
  }
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
