import { useQuery } from '@tanstack/react-query';
import { api, type Role, unwrap } from '../gatehouse.js';

/** All pages of them: saving a user's roles would drop a role that has no box. */
export const useRoles = () => useQuery({ queryKey: ['roles'], queryFn: readRoles });

async function readRoles(): Promise<Role[]> {
  const roles: Role[] = [];
  let cursor: string | undefined;
  do {
    const page = await unwrap(api.GET('/v1/roles', { params: { query: { limit: 100, cursor } } }));
    roles.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return roles;
}
