import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Passwords } from '../credentials/passwords/passwords.service.js';
import * as store from './account-store.js';
import { readEmail } from './email.js';
import { refusingTakenNames } from './users.service.js';

/** A user and the address they have, or are about to have. `emailKey` is the address as it is compared. */
export interface AddressHolder {
  userId: string;
  email: string;
  emailKey: string;
}

/** Who has an address, and how far they are. */
export interface Account extends AddressHolder {
  status: 'active' | 'disabled';
  /** Whether somebody proved to own the address. */
  verified: boolean;
  hasPassword: boolean;
  /** Whether it is a registration that nobody has confirmed or used: it gives way to the proven owner of its address. */
  unverifiedRegistration: boolean;
  /** Whether the address was registered again before anybody confirmed it: the password may be a stranger's. */
  duplicateRegistration: boolean;
}

/** What may be done with an account once a mailed token has proved who owns its address. */
@Injectable()
export class Accounts {
  constructor(private readonly passwords: Passwords) {}

  /** Who has this address, or null. */
  async findByEmail(email: string, manager: EntityManager): Promise<Account | null> {
    const [account] = await manager.query<Account[]>(store.FIND_BY_EMAIL, [readEmail(email)?.key ?? null]);
    return account ?? null;
  }

  /** The account of this id, or null. */
  async findById(userId: string, manager: EntityManager): Promise<Account | null> {
    const [account] = await manager.query<Account[]>(store.FIND_BY_ID, [userId]);
    return account ?? null;
  }

  /** As `findByEmail`, and locks the account for the transaction. */
  async lockByEmail(email: string, manager: EntityManager): Promise<Account | null> {
    const [locked] = await manager.query<{ id: string }[]>(store.LOCK_BY_EMAIL, [readEmail(email)?.key ?? null]);
    return locked ? this.findById(locked.id, manager) : null;
  }

  /** The account of this id, locked for the transaction, if it is active and its password still the one that was checked. */
  async lockChecked(userId: string, checkedHash: string, manager: EntityManager): Promise<Account | null> {
    await manager.query(store.LOCK_BY_ID, [userId]);
    if (!(await this.passwords.isCurrent(userId, checkedHash, manager))) return null;
    const account = await this.findById(userId, manager);
    return account?.status === 'active' ? account : null;
  }

  /** Notes that the address was registered once more. Means nothing to a confirmed or invited account, and is not kept. */
  async markDuplicateRegistration(userId: string, manager: EntityManager): Promise<void> {
    await manager.query(store.MARK_DUPLICATE_REGISTRATION, [userId]);
  }

  /** Notes that the address is theirs. */
  async verifyEmail(userId: string, manager: EntityManager): Promise<void> {
    await manager.query(store.VERIFY_EMAIL, [userId]);
  }

  /**
   * Notes that the address is theirs, and sets the password; null leaves the account without one. The names of a mere
   * registration go: a stranger may have chosen them.
   */
  async setProvenPassword(userId: string, passwordHash: string | null, manager: EntityManager): Promise<void> {
    await manager.query(store.TAKE_OVER, [userId]);
    await this.passwords.set(userId, passwordHash, manager);
  }

  /**
   * Changes the password of an active account, makes its access tokens of before stale, and returns its address. Null where
   * the account is not active or its password no longer the one that was checked; the caller's transaction must not go on then.
   */
  async changePassword(
    userId: string,
    checkedHash: string,
    newHash: string,
    manager: EntityManager,
  ): Promise<Pick<Account, 'email' | 'verified'> | null> {
    const [[account]] = await manager.query<[Pick<Account, 'email' | 'verified'>[], number]>(store.TOUCH_ACTIVE, [
      userId,
    ]);
    if (!account || !(await this.passwords.replace(userId, checkedHash, newHash, manager))) return null;
    return account;
  }

  /** Gives the account an address that its owner has proved to be theirs. Throws a Problem `email_taken`. */
  async setProvenEmail({ userId, email, emailKey }: AddressHolder, manager: EntityManager): Promise<void> {
    await refusingTakenNames(manager.query(store.CHANGE_EMAIL, [userId, email, emailKey]));
  }

  /**
   * Gives the account an address that has to be proved yet, unless it is only spelled otherwise. Returns whether anything
   * changed. Throws a Problem `email_taken`.
   */
  async setUnprovenEmail({ userId, email, emailKey }: AddressHolder, manager: EntityManager): Promise<boolean> {
    const values = [userId, email, emailKey];
    const [rows] = await refusingTakenNames(manager.query<[unknown[], number]>(store.SET_EMAIL, values));
    return rows.length > 0;
  }

  /** Deletes a mere registration of this address, for the user whose it becomes, or null for a new one. Returns its id, or null. */
  async releaseUnverifiedEmail(
    emailKey: string,
    ownerId: string | null,
    manager: EntityManager,
  ): Promise<string | null> {
    const [rows] = await manager.query<[{ id: string }[], number]>(store.DELETE_UNVERIFIED_REGISTRATION, [
      emailKey,
      ownerId,
    ]);
    return rows[0]?.id ?? null;
  }
}
