/** The permissions of Gatehouse's own areas. An application adds its own, written alike. */
export const PERMISSIONS = [
  'users:read',
  'users:write',
  'roles:read',
  'roles:write',
  'audit:read',
  'stats:read',
] as const;

/** The form of a permission: an area and what may be done there. */
export const PERMISSION_FORM = /^[a-z][a-z0-9_-]{0,31}:[a-z][a-z0-9_-]{0,31}$/;

/** The role that holds every permission, those that an application has yet to think of too. */
export const ADMIN = 'admin';
/** The role of everybody who signs up. */
export const USER = 'user';
/** Roles that a user may hold: the database has the same bound, for every writer. */
export const MOST_ROLES = 64;
/** Characters of a role's name, all of them ASCII. */
export const LONGEST_ROLE_NAME = 64;
/** Roles that cannot be removed. */
export const BUILT_IN_ROLES: readonly string[] = [ADMIN, USER];
