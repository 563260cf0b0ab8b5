import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, actorIdOf } from '../access/actor.js';
import { ADMIN, BUILT_IN_ROLES, PERMISSIONS } from '../access/permissions.js';
import { Audit, type AuditType } from '../audit/audit.service.js';
import { Database } from '../platform/database/database.js';
import { type Page, toPageBy } from '../platform/http/page.js';
import { Problem } from '../platform/http/problem.js';
import { Revocations } from '../revocation/revocations.service.js';
import { assertMayGrant } from './assert-may-grant.js';
import { LOCK_RIGHTS } from './rights-lock.js';
import { type RoleForm, type RoleView, roleName } from './role.js';
import { RolePermissionsCache } from './role-permissions-cache.js';

/** Holders from whom a role is taken in one transaction; a thousand take about a tenth of a second. */
const BATCH = 2_000;

const COLUMNS = 'name, description, ARRAY(SELECT unnest(permissions) ORDER BY 1) AS permissions';

/** Roles and what they permit, as data. A change counts from the next request on, on every instance. */
@Injectable()
export class Roles {
  constructor(
    private readonly database: Database,
    private readonly table: RolePermissionsCache,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  /** The roles by name, those after `after`. */
  async list(limit: number, after: string | null): Promise<Page<RoleView>> {
    const rows = await this.database.manager.query<RoleView[]>(
      `SELECT ${COLUMNS} FROM roles WHERE $1::text IS NULL OR name > $1 ORDER BY name LIMIT $2`,
      [after, limit + 1],
    );
    return toPageBy(rows, limit, ({ name }) => name);
  }

  /**
   * Makes a role, or replaces what it says. Throws a Problem: `role_protected` where it would take a permission from
   * admin, `forbidden` where the role is, or would be, worth more than the actor holds: an actor who could empty a role could
   * then do with its holders as they like, and one who could fill a role that counts by its name could then give it.
   */
  async save(name: string, form: RoleForm, actor: Actor): Promise<{ role: RoleView; created: boolean }> {
    const permissions = [...new Set(form.permissions)].sort();
    if (name === ADMIN && PERMISSIONS.some((held) => !permissions.includes(held))) throw new Problem('role_protected');
    const saved = await this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS);
      const [before] = await manager.query<RoleView[]>(`SELECT ${COLUMNS} FROM roles WHERE name = $1`, [name]);
      const held = before?.permissions ?? [];
      await assertMayGrant(actor, { permissions: ['roles:write', ...permissions], roles: [name] }, manager);
      const [role] = await manager.query<RoleView[]>(SAVE, [name, form.description ?? null, permissions]);
      if (!role) throw new Error('INSERT … RETURNING returned no row');
      const added = permissions.filter((permission) => !held.includes(permission));
      const removed = held.filter((permission) => !permissions.includes(permission));
      await this.record('role.saved', actor, manager, { role: name, added, removed });
      return { role, created: before === undefined };
    });
    await this.table.load();
    return saved;
  }

  /**
   * Removes a role, and takes it from all its holders: their tokens are stale from the next request on. However many
   * they are, no statement and no lock lasts longer than a batch of them does; where it breaks off, asking again goes on.
   * Throws a Problem: `role_protected`, `not_found`, `forbidden`.
   */
  async remove(name: string, actor: Actor): Promise<void> {
    if (BUILT_IN_ROLES.includes(name)) throw new Problem('role_protected');
    // No role has a name that cannot be one, and Postgres takes no NUL.
    if (!roleName.safeParse(name).success) throw new Problem('not_found');
    let users = 0;
    for (let gone = false; !gone; ) {
      gone = await this.database.transaction(async (manager) => {
        await manager.query(LOCK_RIGHTS);
        const [known] = await manager.query<unknown[]>(LOCK_ROLE, [name]);
        await assertMayGrant(actor, { permissions: ['roles:write'], roles: [name] }, manager);
        if (!known) throw new Problem('not_found');
        users += await this.takeFromSome(name, actor, manager);
        await this.revocations.takeWithin(manager);
        const [deleted] = await manager.query<[unknown[], number]>(DELETE_UNHELD, [name]);
        if (deleted.length > 0) await this.record('role.deleted', actor, manager, { role: name, users });
        return deleted.length > 0;
      });
    }
    await this.table.load();
  }

  /** Takes the role from a batch of its holders and returns how many they were. */
  private async takeFromSome(name: string, actor: Actor, manager: EntityManager): Promise<number> {
    const [holders] = await manager.query<[{ userId: string }[], number]>(TAKE_FROM_SOME, [name, actorIdOf(actor)]);
    await this.audit.recordAll(
      holders.map(({ userId }) => {
        return { type: 'user.roles_changed', actor, userId, data: { removed: [name] } };
      }),
      manager,
    );
    return holders.length;
  }

  private record(type: AuditType, actor: Actor, manager: EntityManager, data: Record<string, unknown>): Promise<void> {
    return this.audit.record({ type, actor, userId: null, data }, manager);
  }
}

/** $1 name, $2 description, $3 permissions */
const SAVE = `
  INSERT INTO roles (name, description, permissions) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET description = excluded.description, permissions = excluded.permissions
  RETURNING ${COLUMNS}`;

/** Waits for an import that gives the role, and lets none begin to. $1 name */
const LOCK_ROLE = 'SELECT name FROM roles WHERE name = $1 FOR UPDATE';

/** The actor comes last: it may be this role by which they may remove it. $1 role, $2 actor */
const TAKE_FROM_SOME = `
  DELETE FROM user_roles WHERE role = $1 AND user_id IN (
    SELECT user_id FROM user_roles WHERE role = $1 ORDER BY user_id = $2 LIMIT ${BATCH})
  RETURNING user_id AS "userId"`;

/** $1 name */
const DELETE_UNHELD = `
  DELETE FROM roles WHERE name = $1 AND NOT EXISTS (SELECT FROM user_roles WHERE role = $1) RETURNING name`;
