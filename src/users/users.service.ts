import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Audit } from '../audit/audit.service.js';
import { Passwords } from '../credentials/passwords/passwords.service.js';
import { newId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import { LOCK_RIGHTS } from '../roles/rights-lock.js';
import { readEmail } from './email.js';
import { USERNAME, type UserRow } from './user.js';
import * as store from './user-store.js';

export interface NewUser {
  email: string;
  username?: string | null;
  name?: string | null;
  passwordHash: string | null;
  roles: string[];
  /** Whether somebody vouches that the address is theirs; otherwise a mail has to prove it. */
  emailVerified?: boolean;
  /** Whether the account is nobody's until a mail confirms it. */
  unverifiedRegistration?: boolean;
}

/** By what a person says who they are; one of the two. */
export interface Identifier {
  email?: string;
  username?: string;
}

export interface Credentials {
  id: string;
  passwordHash: string | null;
  status: 'active' | 'disabled';
}

/** What a user is called; null removes a name, and an absent one stays. */
export interface Names {
  name?: string | null;
  username?: string | null;
}

/** The rules about users: who exists, what they may change, which roles they hold. */
@Injectable()
export class Users {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly passwords: Passwords,
    private readonly audit: Audit,
  ) {}

  /** The user's row, or null. */
  async find(id: string): Promise<UserRow | null> {
    const [row] = await this.database.run<UserRow>(store.PROFILE, [id]);
    return row ?? null;
  }

  /** The user's row. Throws a Problem `not_found`. */
  async get(id: string): Promise<UserRow> {
    const row = await this.find(id);
    if (!row) throw new Problem('not_found');
    return row;
  }

  /** The user's row in the caller's transaction. Throws a Problem `not_found`. */
  async read(id: string, manager: EntityManager): Promise<UserRow> {
    const [row] = await manager.query<UserRow[]>(store.PROFILE.text, [id]);
    if (!row) throw new Problem('not_found');
    return row;
  }

  /** What a sign-in needs to know, or null for an unknown name. One round trip either way. */
  async findCredentials({ email, username }: Identifier): Promise<Credentials | null> {
    const emailKey = email === undefined ? null : (readEmail(email)?.key ?? null);
    // A text that no user can have is not handed to Postgres, which throws at a NUL.
    const usernameKey = username !== undefined && USERNAME.test(username) ? username.toLowerCase() : null;
    const [row] = await this.database.run<Credentials>(store.FIND_CREDENTIALS, [emailKey, usernameKey]);
    return row ?? null;
  }

  /** As `findCredentials`, of a user who is known already. */
  async credentialsOf(id: string): Promise<Credentials | null> {
    const [row] = await this.database.run<Credentials>(store.CREDENTIALS_OF, [id]);
    return row ?? null;
  }

  /** Adds a user and returns its row. Throws a Problem: `email_taken`, `username_taken`. */
  async create(user: NewUser, manager: EntityManager): Promise<UserRow> {
    const email = readEmail(user.email);
    if (!email) throw Problem.field('/email', 'Write an email address such as ada@example.com.');
    const id = newId();
    const { username = null, name = null, passwordHash, emailVerified = false, unverifiedRegistration = false } = user;
    const values = [id, email.written, email.key, username, name, emailVerified, unverifiedRegistration];
    await refusingTakenNames(manager.query(store.INSERT, values));
    await manager.query(store.GIVE_ROLES, [id, user.roles]);
    if (passwordHash !== null) await this.passwords.set(id, passwordHash, manager);
    return this.read(id, manager);
  }

  /** Locks the user until the transaction ends, against changes. Returns the row, or null where the user is gone. */
  async lockForSignIn(id: string, manager: EntityManager): Promise<UserRow | null> {
    await manager.query(store.LOCK_AGAINST_CHANGES, [id]);
    // Read by a statement of its own: one that waited for the lock would show `ver` as it is now with the roles of before.
    const [row] = await manager.query<UserRow[]>(store.PROFILE.text, [id]);
    return row ?? null;
  }

  /** Notes that the user has signed in, and returns when. */
  async markSignIn(id: string, manager: EntityManager): Promise<Date | null> {
    const [rows] = await manager.query<[{ last_login_at: Date }[], number]>(store.MARK_SIGN_IN, [id]);
    return rows[0]?.last_login_at ?? null;
  }

  /** Locks the user until the transaction ends, against new rows of theirs too. Returns whether there is one. */
  async lock(id: string, manager: EntityManager): Promise<boolean> {
    const rows = await manager.query<unknown[]>(store.LOCK, [id]);
    return rows.length > 0;
  }

  /**
   * Takes LOCK_RIGHTS, by which an admin is left, where the user is an admin. Returns whether it did. Best before the user is
   * locked; who becomes one in between is found by asking again.
   */
  async lockWherePossiblyAdmin(id: string, manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ any: boolean }[]>(store.IS_ADMIN, [id]);
    if (row?.any) await manager.query(LOCK_RIGHTS);
    return row?.any ?? false;
  }

  /** Keeps the rights of an actor as they are until the transaction ends; others may use theirs beside it. */
  async lockActor(id: string, manager: EntityManager): Promise<void> {
    await manager.query(store.LOCK_ACTOR, [id]);
  }

  /** Keeps what the roles of a user permit as it is until the transaction ends. */
  async lockRolesOf(id: string, manager: EntityManager): Promise<void> {
    await manager.query(store.LOCK_ROLES_OF, [id]);
  }

  /** Changes the profile fields that are given. Throws a Problem: `username_taken`, `not_found`. */
  async updateProfile(id: string, change: Names, actor: Actor): Promise<UserRow> {
    return this.database.transaction(async (manager) => {
      const row = await this.setNames(id, change, manager);
      const data = { fields: Object.keys(change) };
      await this.audit.record({ type: 'user.updated', actor, userId: id, data }, manager);
      return row;
    });
  }

  /** Sets the names that are given; null removes one. Throws a Problem: `username_taken`, `not_found`. */
  async setNames(id: string, { name, username }: Names, manager: EntityManager): Promise<UserRow> {
    const values = [id, name !== undefined, name, username !== undefined, username];
    const [rows] = await refusingTakenNames(manager.query<[UserRow[], number]>(store.UPDATE_PROFILE, values));
    if (!rows[0]) throw new Problem('not_found');
    return rows[0];
  }

  /** Gives the user exactly these roles, which exist. */
  async setRoles(id: string, roles: string[], manager: EntityManager): Promise<void> {
    await manager.query(store.TAKE_OTHER_ROLES, [id, roles]);
    await manager.query(store.ADD_ROLES, [id, roles]);
  }

  /** Makes the user's version at least this one, for a decision about their roles. */
  async raiseVersion(id: string, ver: number, manager: EntityManager): Promise<void> {
    await manager.query(store.RAISE_VERSION, [id, ver]);
  }

  /** Keeps the roles from being removed before the transaction ends. Returns the first that does not exist, or undefined. */
  async lockRoles(roles: string[], manager: EntityManager): Promise<string | undefined> {
    const known = await manager.query<{ name: string }[]>(store.LOCK_ROLES, [roles]);
    return roles.find((role) => !known.some(({ name }) => name === role));
  }

  /** Notes that an administrator has changed the account. It is no mere registration any more. */
  async clearUnverifiedRegistration(id: string, manager: EntityManager): Promise<void> {
    await manager.query(store.CLEAR_UNVERIFIED_REGISTRATION, [id]);
  }

  /** Returns whether the status was another before. */
  async setStatus(id: string, status: UserRow['status'], manager: EntityManager): Promise<boolean> {
    const [, changed] = await manager.query<[unknown[], number]>(store.SET_STATUS, [id, status]);
    return changed > 0;
  }

  /** Removes the user and every row that belongs to them. */
  async delete(id: string, manager: EntityManager): Promise<void> {
    await manager.query(store.DELETE, [id]);
  }

  /** Whether any user is an admin, disabled or not. */
  async knowsAdmin(manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ any: boolean }[]>(store.KNOWS_ADMIN);
    return row?.any ?? false;
  }

  /** Whether there is an active admin who can sign in. */
  async hasAdmin(manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ any: boolean }[]>(store.HAS_ADMIN, [this.config.requiresVerifiedEmail]);
    return row?.any ?? false;
  }
}

/** A name in the form in which names are compared, whether anybody has it or not. */
export function nameKey({ email, username }: Identifier): string {
  return email === undefined ? (username ?? '').toLowerCase() : (readEmail(email)?.key ?? email.toLowerCase());
}

/** Turns a violated unique constraint into the Problem that it stands for; the constraint, not a check before it, decides races. */
export async function refusingTakenNames<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const { constraint } = (error as { driverError?: { constraint?: string } }).driverError ?? {};
    if (constraint === 'users_email_key_unique') throw new Problem('email_taken');
    if (constraint === 'users_username_key_unique') throw new Problem('username_taken');
    throw error;
  }
}
