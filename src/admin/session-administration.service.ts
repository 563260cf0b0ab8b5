import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { USER } from '../access/permissions.js';
import { Audit } from '../audit/audit.service.js';
import { isId } from '../platform/common/id.js';
import { Database } from '../platform/database/database.js';
import { Problem } from '../platform/http/problem.js';
import { assertMayGrant } from '../roles/assert-may-grant.js';
import { MassLogout, type Moment } from '../sessions/mass-logout.service.js';
import { Users } from '../users/users.service.js';

/** Whose sessions are meant: a user's, those of a role's holders, or everybody's. */
export interface SessionSelection {
  role?: string;
  userId?: string;
}

/** What an administrator may do to the sessions of many. */
@Injectable()
export class SessionAdministration {
  constructor(
    private readonly database: Database,
    private readonly users: Users,
    private readonly massLogout: MassLogout,
    private readonly audit: Audit,
  ) {}

  /**
   * Ends every session that was opened before a moment, and returns the moment. Nobody ends sessions of users who hold
   * more: for `user`, which all hold, and for everybody that takes what any role is worth.
   * Throws a Problem: `invalid_request` for a moment to come, `not_found`, `forbidden`.
   */
  async revokeBefore(moment: Moment, { role, userId }: SessionSelection, actor: Actor): Promise<Date> {
    return this.database.transaction(async (manager) => {
      const before = await this.massLogout.read(moment, manager);
      if (!before) throw Problem.field('/before', 'Use a time in the past.');
      await this.assertMayEnd({ role, userId }, actor, manager);
      if (userId !== undefined) await this.massLogout.endOfUser(userId, before, manager);
      else await this.massLogout.endOfRole(role ?? null, before, manager);
      const data = { before: before.toISOString(), role, userId };
      await this.audit.record({ type: 'sessions.revoked_before', actor, userId: userId ?? null, data }, manager);
      return before;
    });
  }

  private async assertMayEnd({ role, userId }: SessionSelection, actor: Actor, manager: EntityManager): Promise<void> {
    if (userId !== undefined && !(isId(userId) && (await this.users.lock(userId, manager)))) {
      throw new Problem('not_found');
    }
    if (role !== undefined && (await this.users.lockRoles([role], manager)) !== undefined)
      throw new Problem('not_found');
    const isEverybody = userId === undefined && (role === undefined || role === USER);
    const roles = isEverybody ? await this.allRoles(manager) : role === undefined ? [] : [role];
    await assertMayGrant(actor, { permissions: ['users:write'], roles, userId }, manager);
  }

  private async allRoles(manager: EntityManager): Promise<string[]> {
    const rows = await manager.query<{ name: string }[]>('SELECT name FROM roles');
    return rows.map(({ name }) => name);
  }
}
