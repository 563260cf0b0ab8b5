import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Revocations } from '../access/revocations.service.js';
import { Audit, type AuditType } from '../audit/audit.service.js';
import type { Client } from '../common/client.js';
import { newId } from '../common/id.js';
import { Problem } from '../common/problem.js';
import { Database } from '../database/database.js';
import { readEmail } from './email.js';
import { USERNAME, type UserRow } from './user.js';
import * as store from './user-store.js';

export interface NewUser {
  email: string;
  username?: string | null;
  name?: string | null;
  passwordHash: string | null;
  roles: string[];
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

/** Who makes a change, for the audit log. Both null: the system itself. */
export interface Actor {
  id: string | null;
  client: Client | null;
}

/** The rules about users: who exists, what they may change, which roles they hold. */
@Injectable()
export class Users {
  constructor(
    private readonly database: Database,
    private readonly revocations: Revocations,
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
    const values = [id, email.written, email.key, user.username ?? null, user.name ?? null, user.passwordHash];
    await refusingTakenNames(manager.query(store.INSERT, values));
    await manager.query(store.GIVE_ROLES, [id, user.roles]);
    const [row] = await manager.query<UserRow[]>(store.PROFILE.text, [id]);
    if (!row) throw new Error('A user just made cannot be read');
    return row;
  }

  /**
   * Locks the user for the transaction that opens a session, if the account is active and its password hash still the
   * one that was checked; sets `newHash` if given. Returns null where that no longer holds.
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

  /** Gives the user exactly these roles. Their tokens are stale from the next request on. Throws a Problem: `last_admin`, `not_found`. */
  async setRoles(id: string, roles: string[], actor: Actor): Promise<UserRow> {
    await this.database.transaction(async (manager) => {
      await manager.query(store.LOCK_ADMINS);
      const [known] = await manager.query<unknown[]>(store.LOCK, [id]);
      if (!known) throw new Problem('not_found');
      const [unknown] = await manager.query<{ wanted: string }[]>(store.UNKNOWN_ROLES, [roles]);
      if (unknown) throw Problem.field('/roles', `There is no role ${unknown.wanted}.`);
      await manager.query(store.TAKE_OTHER_ROLES, [id, roles]);
      await manager.query(store.ADD_ROLES, [id, roles]);
      await refuseWithoutAdmin(manager);
      await this.record('user.roles_changed', id, actor, manager, { roles });
    });
    const user = await this.get(id);
    this.revocations.rolesChanged(id, user.ver);
    return user;
  }

  /** Disables or enables an account; disabling ends every session. Throws a Problem: `last_admin`, `not_found`. */
  async setStatus(id: string, status: 'active' | 'disabled', actor: Actor): Promise<UserRow> {
    const ended = await this.database.transaction(async (manager) => {
      await manager.query(store.LOCK_ADMINS);
      const [changed] = await manager.query<[UserRow[], number]>(store.SET_STATUS, [id, status]);
      if (changed.length === 0) return [];
      await refuseWithoutAdmin(manager);
      await this.record(status === 'disabled' ? 'user.disabled' : 'user.enabled', id, actor, manager);
      return status === 'disabled' ? manager.query<{ id: string }[]>(JUST_ENDED, [id]) : [];
    });
    this.revocations.sessionsRevoked(ended.map((session) => session.id));
    return this.get(id);
  }

  /** Whether there is an active admin. */
  async hasAdmin(manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ any: boolean }[]>(store.HAS_ADMIN);
    return row?.any ?? false;
  }

  private record(
    type: AuditType,
    userId: string,
    actor: Actor,
    manager: EntityManager,
    data?: Record<string, unknown>,
  ) {
    return this.audit.record({ type, actorId: actor.id, userId, client: actor.client, data }, manager);
  }
}

/** The sessions that the trigger on users ended in this transaction. */
const JUST_ENDED = 'SELECT id FROM sessions WHERE user_id = $1 AND revoked_at >= now()';

async function refuseWithoutAdmin(manager: EntityManager): Promise<void> {
  const [row] = await manager.query<{ any: boolean }[]>(store.HAS_ADMIN);
  if (!row?.any) throw new Problem('last_admin');
}

/** Turns a violated unique constraint into the Problem that it stands for; the constraint, not a check before it, decides races. */
async function refusingTakenNames<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const { constraint } = (error as { driverError?: { constraint?: string } }).driverError ?? {};
    if (constraint === 'users_email_key_unique') throw new Problem('email_taken');
    if (constraint === 'users_username_key_unique') throw new Problem('username_taken');
    throw error;
  }
}
