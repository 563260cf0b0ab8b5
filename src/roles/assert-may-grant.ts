import type { EntityManager } from 'typeorm';
import { type Actor, actorIdOf } from '../access/actor.js';
import { ADMIN, USER } from '../access/permissions.js';
import { Problem } from '../platform/http/problem.js';

/** What is at stake in a change. */
interface GrantScope {
  /** Permissions that the change itself needs or gives. */
  permissions?: readonly string[];
  /** Roles that are given, changed or removed. */
  roles?: readonly string[];
  /** The user who is changed: an actor who may change a user can in the end act as that user, so needs what they hold. */
  userId?: string;
}

/**
 * What a role is worth: its permissions; of admin, and of a role without any, whose power can only lie in its name, the
 * role itself. Every user holds `user`. $1 actor, $2 permissions, $3 roles, $4 user
 */
const MISSING = `
  WITH own AS (
    SELECT o.name, o.permissions FROM users a JOIN held_roles r ON r.user_id = a.id JOIN roles o ON o.name = r.role
    WHERE a.id = $1 AND a.status = 'active'
  ), roles_at_stake AS (
    SELECT unnest($3::text[]) AS role UNION SELECT role FROM held_roles WHERE user_id = $4
  ), needed AS (
    SELECT permission, NULL AS role FROM unnest($2::text[]) AS permission
    UNION ALL
    SELECT permission, NULL FROM roles_at_stake s JOIN roles o ON o.name = s.role, unnest(o.permissions) AS permission
    UNION ALL
    SELECT NULL, o.name FROM roles_at_stake s JOIN roles o ON o.name = s.role
      WHERE o.name = '${ADMIN}' OR (o.permissions = '{}' AND o.name <> '${USER}')
  )
  SELECT coalesce('role ' || role, 'permission ' || permission) AS what FROM needed
  WHERE NOT EXISTS (SELECT FROM own WHERE name = '${ADMIN}')
    AND (role IS NULL OR role NOT IN (SELECT name FROM own))
    AND (permission IS NULL OR permission NOT IN (SELECT unnest(permissions) FROM own))
  ORDER BY role NULLS LAST, permission LIMIT 1`;

/**
 * Nobody gives what they do not hold, and nobody changes a user who holds more than they do.
 * Asks the database, in the transaction of the change, what the actor holds at this moment; a disabled actor holds nothing
 * any more, and an operator may do all.
 * Throws a Problem `forbidden` that names what is missing.
 */
export async function assertMayGrant(
  actor: Actor,
  { permissions = [], roles = [], userId }: GrantScope,
  manager: EntityManager,
): Promise<void> {
  if (actor.kind === 'operator') return;
  const [missing] = await manager.query<{ what: string }[]>(MISSING, [
    actorIdOf(actor),
    permissions,
    roles,
    userId ?? null,
  ]);
  if (missing) throw new Problem('forbidden', { detail: `This needs the ${missing.what}.` });
}
