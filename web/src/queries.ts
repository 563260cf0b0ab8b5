import { useQuery } from '@tanstack/react-query';
import { api, queries, unwrap } from './gatehouse.js';

/** The own account. */
export const useMe = () => useQuery({ queryKey: ['me'], queryFn: () => unwrap(api.GET('/v1/users/me')) });

/** What the own page shows first. */
export const useDashboard = () =>
  useQuery({ queryKey: ['dashboard'], queryFn: () => unwrap(api.GET('/v1/dashboard')) });

/** Reads anew whatever is shown, after something has been changed. */
export const readAgain = () => queries.invalidateQueries();
