import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import * as store from './account-store.js';
import { readEmail } from './email.js';
import { UPDATE_PROFILE } from './user-store.js';
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
  /** Whether it is a registration that nobody has confirmed or used: it gives way to whoever proves to own its address. */
  unverifiedRegistration: boolean;
  /** Whether the address was registered again before anybody confirmed it: the password may be a stranger's. */
  duplicateRegistration: boolean;
}

/** What may be done with an account once a mailed token has proved who owns its address. */
@Injectable()
export class Accounts {
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
    const key = readEmail(email)?.key ?? null;
    const [account] = await manager.query<Account[]>(store.FIND_BY_EMAIL + store.LOCKING, [key]);
    return account ?? null;
  }

  /** The account of this id, locked for the transaction, if it is active and its password still the one that was checked. */
  async lockChecked(userId: string, checkedHash: string, manager: EntityManager): Promise<Account | null> {
    const [account] = await manager.query<Account[]>(store.FIND_CHECKED + store.LOCKING, [userId, checkedHash]);
    return account ?? null;
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
    await manager.query(store.SET_PROVEN_PASSWORD, [userId, passwordHash]);
  }

  /** Sets the names that are given. Throws a Problem `username_taken`. */
  async setNames(
    userId: string,
    { username, name }: { username?: string | null; name?: string | null },
    manager: EntityManager,
  ): Promise<void> {
    const values = [userId, name !== undefined, name, username !== undefined, username];
    await refusingTakenNames(manager.query(UPDATE_PROFILE, values));
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
