import { createHash, randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Problem } from '../common/problem.js';
import { Database } from '../database/database.js';
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

/** A registration that a mail confirms: what was chosen by whoever asked for that very mail. */
export interface PendingRegistration {
  passwordHash: string;
  username: string | null;
  name: string | null;
  /** Whether the address was registered more than once: nobody knows which of them is its owner. */
  contested: boolean;
}

/** To whom a token goes. */
export interface TokenHolder {
  userId: string;
  email: string;
  emailKey: string;
}

export interface ConsumedToken extends TokenHolder {
  purpose: TokenPurpose;
  registration: PendingRegistration | null;
  createdAt: Date;
}

/** What is stored about a token, as its owner may see it. */
export interface StoredToken {
  purpose: TokenPurpose;
  email: string;
  createdAt: Date;
  expiresAt: Date;
}

/**
 * The tokens that mails carry: 256 random bits, of which the database holds only the SHA-256, each bound to a purpose, a
 * user and an address, good once and for a time. A new one replaces the one before of its purpose.
 */
@Injectable()
export class OneTimeTokens implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(OneTimeTokens.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.forgetExpired(), HOUR).unref();
    void this.forgetExpired();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Makes a token and returns it; it is stored nowhere. `registration` is what a `verify_email` token confirms. */
  async issue(
    purpose: TokenPurpose,
    { userId, email, emailKey }: TokenHolder,
    manager: EntityManager,
    registration: PendingRegistration | null = null,
  ): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    const life = TOKEN_LIFE[purpose];
    await manager.query(store.ISSUE, [hash(token), purpose, userId, email, emailKey, registration, life]);
    return token;
  }

  /** Whose token it is, without using it. Throws a Problem `invalid_token_link`. */
  async ownerOf(token: string, purpose: TokenPurpose): Promise<{ email: string; username: string | null }> {
    const [owner] = await this.database.manager.query<{ email: string; username: string | null }[]>(store.FIND, [
      hash(token),
      [purpose],
    ]);
    if (!owner) throw new Problem('invalid_token_link');
    return owner;
  }

  /**
   * Uses a token up and leaves its user locked for the rest of the transaction. Of many at once one succeeds.
   * Throws a Problem `invalid_token_link` for one that is unknown, used, expired, replaced, of another purpose, of an
   * account that is not active, or for an address that the account no longer has.
   */
  async consume(token: string, purposes: TokenPurpose[], manager: EntityManager): Promise<ConsumedToken> {
    const values = [hash(token), purposes];
    await manager.query(store.FIND_AND_LOCK, values);
    const [rows] = await manager.query<[ConsumedToken[], number]>(store.CONSUME, values);
    if (!rows[0]) throw new Problem('invalid_token_link');
    return rows[0];
  }

  /** Voids the user's tokens but for the ways back to a former address, which outlive a change of password. */
  async voidAll(userId: string, manager: EntityManager): Promise<void> {
    await this.void(userId, ['verify_email', 'reset_password', 'invitation', 'change_email'], manager);
  }

  /** Voids the user's tokens of these purposes. */
  async void(userId: string, purposes: TokenPurpose[], manager: EntityManager): Promise<void> {
    await manager.query(store.VOID, [userId, purposes]);
  }

  /** Voids the ways back from changes of address made at or after a moment. */
  async voidWaysBack(userId: string, since: Date, manager: EntityManager): Promise<void> {
    await manager.query(store.VOID_WAYS_BACK, [userId, since]);
  }

  /** The registration that the next mail to the user's address confirms, or null. */
  async pendingRegistration(
    { userId, emailKey }: TokenHolder,
    manager: EntityManager,
  ): Promise<PendingRegistration | null> {
    const [row] = await manager.query<{ registration: PendingRegistration }[]>(store.PENDING_REGISTRATION, [
      userId,
      emailKey,
    ]);
    return row?.registration ?? null;
  }

  /** What is stored about the user's tokens. */
  listOf(userId: string): Promise<StoredToken[]> {
    return this.database.manager.query<StoredToken[]>(store.LIST, [userId]);
  }

  private async forgetExpired(): Promise<void> {
    await this.database.manager
      .query(store.FORGET_EXPIRED)
      .catch((error: Error) => this.logger.warn(`Expired one-time tokens could not be removed: ${error.message}`));
  }
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
