import { ADMIN, LONGEST_ROLE_NAME, MOST_ROLES } from '../access/permissions.js';

/** What JSON puts around each name: two quotes and a comma. */
const AROUND = 3;
/** Characters for the names of roles in a token: those that a user may hold, each as long as it may be. */
const ROOM = MOST_ROLES * (LONGEST_ROLE_NAME + AROUND);
/** Names in a token, however short. */
const MOST_NAMES = 256;

/** No user's roles take more room in a token than these. */
export const LARGEST_ROLES: string[] = Array.from({ length: MOST_ROLES }, () => 'r'.repeat(LONGEST_ROLE_NAME));

/**
 * The roles that a token names: all of them. A user of before the bound may hold more than there is room for, and has the
 * first of them only, `admin` before the others: a token that is too long would be refused everywhere.
 */
export function claimedRoles(roles: string[]): string[] {
  if (roles.length <= MOST_ROLES) return roles;
  const first = roles.filter((role) => role === ADMIN);
  let room = ROOM;
  return [...first, ...roles.filter((role) => role !== ADMIN)]
    .slice(0, MOST_NAMES)
    .filter((role) => {
      room -= role.length + AROUND;
      return room >= 0;
    })
    .sort();
}
