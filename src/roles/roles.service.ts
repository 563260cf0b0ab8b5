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
import { RoleSweeper } from './role-sweeper.service.js';

/** Holders from whom a role is taken in the request itself: all that most roles have. */
const AT_ONCE = 50;

const COLUMNS = 'name, description, ARRAY(SELECT unnest(permissions) ORDER BY 1) AS permissions';

/** Roles and what they permit, as data. A change counts from the next request on, on every instance. */
@Injectable()
export class Roles {
  constructor(
    private readonly database: Database,
    private readonly table: RolePermissionsCache,
    private readonly revocations: Revocations,
    private readonly sweeper: RoleSweeper,
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
      await manager.query(LOCK_ACTOR, [actorIdOf(actor)]);
      await assertMayGrant(actor, { permissions: ['roles:write', ...permissions], roles: [name] }, manager);
      const [before] = await manager.query<RoleView[]>(`SELECT ${COLUMNS} FROM roles WHERE name = $1`, [name]);
      const held = before?.permissions ?? [];
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
   * Removes a role: its holders lose it in the same moment, and their tokens are stale from the next request on. From the
   * first of them it is taken at once; the rest of their rows are dead, and follow (`RoleSweeper`).
   * Throws a Problem: `role_protected`, `not_found`, `forbidden`.
   */
  async remove(name: string, actor: Actor): Promise<void> {
    if (BUILT_IN_ROLES.includes(name)) throw new Problem('role_protected');
    // No role has a name that cannot be one, and Postgres takes no NUL.
    if (!roleName.safeParse(name).success) throw new Problem('not_found');
    await this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS);
      const first = await manager.query<{ id: string }[]>(LOCK_FIRST, [name, actorIdOf(actor)]);
      const [known] = await manager.query<unknown[]>(LOCK_ROLE, [name]);
      await assertMayGrant(actor, { permissions: ['roles:write'], roles: [name] }, manager);
      if (!known) throw new Problem('not_found');
      const [held] = await manager.query<{ users: number }[]>(COUNT_HOLDERS, [name]);
      const [taken] = await manager.query<[{ userId: string }[], number]>(TAKE_FROM_FIRST, [
        name,
        first.map(({ id }) => id),
      ]);
      await this.sweeper.record(name, taken, actor, manager);
      await manager.query(DELETE_ROLE, [name]);
      await this.sweeper.sign(name, actor, manager);
      await this.revocations.takeWithin(manager);
      await this.record('role.deleted', actor, manager, { role: name, users: held?.users ?? 0 });
    });
    await this.table.load();
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

/** $1 actor or null */
const LOCK_ACTOR = 'SELECT FROM users WHERE id = $1 FOR SHARE';

/** Waits for an import that gives the role, and lets none begin to. $1 name */
const LOCK_ROLE = 'SELECT name FROM roles WHERE name = $1 FOR UPDATE';

/** $1 role */
const COUNT_HOLDERS = `
  SELECT count(*)::integer AS users FROM user_roles
  WHERE role = $1 AND number > coalesce((SELECT max(number) FROM role_removals WHERE role = $1), -1)`;

/** Users before roles, in one order, as every change of rights locks them; the actor too. $1 role, $2 actor or null */
const LOCK_FIRST = `
  SELECT id FROM users
  WHERE id = $2 OR id = ANY (ARRAY(SELECT user_id FROM user_roles WHERE role = $1 LIMIT ${AT_ONCE}))
  ORDER BY id FOR NO KEY UPDATE`;

/** $1 role, $2 users */
const TAKE_FROM_FIRST = `
  DELETE FROM user_roles WHERE role = $1 AND user_id = ANY ($2::uuid[]) RETURNING user_id AS "userId"`;

/** $1 name */
const DELETE_ROLE = 'DELETE FROM roles WHERE name = $1';
