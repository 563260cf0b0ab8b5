import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Audit, type AuditType } from '../audit/audit.service.js';
import { newId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
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
  emailVerified: boolean;
}

/** The rules about users: who exists, what they may change, which roles they hold. */
@Injectable()
export class Users {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly audit: Audit,
  ) {}

  /** The user's row. Throws a Problem `not_found`. */
  async get(id: string): Promise<UserRow> {
    const [row] = await this.database.run<UserRow>(store.PROFILE, [id]);
    if (!row) throw new Problem('not_found');
    return row;
  }

  /** What a sign-in needs to know, or null for somebody unknown. One round trip either way. */
  async findCredentials({ email, username }: Identifier): Promise<Credentials | null> {
    const emailKey = email === undefined ? null : (readEmail(email)?.key ?? null);
    // A text that no user can have is not handed to Postgres, which throws at a NUL.
    const usernameKey = username !== undefined && USERNAME.test(username) ? username.toLowerCase() : null;
    const [row] = await this.database.run<Credentials>(store.FIND_CREDENTIALS, [emailKey, usernameKey]);
    return row ?? null;
  }

  /** Adds a user and returns its row. Throws a Problem: `email_taken`, `username_taken`. */
  async create(user: NewUser, manager: EntityManager): Promise<UserRow> {
    const email = readEmail(user.email);
    if (!email) throw Problem.field('/email', 'Write an email address such as ada@example.com.');
    const id = newId();
    const { username = null, name = null, passwordHash, emailVerified = false, unverifiedRegistration = false } = user;
    const values = [id, email.written, email.key, username, name, passwordHash, emailVerified, unverifiedRegistration];
    await refusingTakenNames(manager.query(store.INSERT, values));
    await manager.query(store.GIVE_ROLES, [id, user.roles]);
    const [row] = await manager.query<UserRow[]>(store.PROFILE.text, [id]);
    if (!row) throw new Error('A user just made cannot be read');
    return row;
  }

  /**
   * Locks the user for the transaction that opens a session, if the account is active, its password hash still the one
   * that was checked, and its email confirmed where that is required; sets `newHash` if given. Returns null where that no
   * longer holds.
   */
  async claimForSignIn(
    id: string,
    checkedHash: string | null,
    newHash: string | null,
    manager: EntityManager,
  ): Promise<UserRow | null> {
    const [, claimed] = await manager.query<[unknown[], number]>(store.CLAIM_FOR_SIGN_IN, [
      id,
      checkedHash,
      newHash ?? checkedHash,
      this.config.requiresVerifiedEmail,
    ]);
    if (claimed === 0) return null;
    // Read by a statement of its own: one that waited for the lock would show `ver` as it is now with the roles of before.
    const [row] = await manager.query<UserRow[]>(store.PROFILE.text, [id]);
    return row ?? null;
  }

  /** Changes the profile fields that are given. Throws a Problem: `username_taken`, `not_found`. */
  async updateProfile(
    id: string,
    change: { name?: string | null; username?: string | null },
    actor: Actor,
  ): Promise<UserRow> {
    return this.database.transaction(async (manager) => {
      const values = [id, change.name !== undefined, change.name, change.username !== undefined, change.username];
      const [rows] = await refusingTakenNames(manager.query<[UserRow[], number]>(store.UPDATE_PROFILE, values));
      if (!rows[0]) throw new Problem('not_found');
      await this.record('user.updated', id, actor, manager, { fields: Object.keys(change) });
      return rows[0];
    });
  }

  /** Whether there is an active admin. */
  async hasAdmin(manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ any: boolean }[]>(store.HAS_ADMIN, [this.config.requiresVerifiedEmail]);
    return row?.any ?? false;
  }

  private record(
    type: AuditType,
    userId: string,
    actor: Actor,
    manager: EntityManager,
    data?: Record<string, unknown>,
  ) {
    return this.audit.record({ type, actorId: actor.id, userId, context: actor.context, data }, manager);
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
