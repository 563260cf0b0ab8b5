import { infiniteQueryOptions, useQuery } from '@tanstack/react-query';
import { api, queries, unwrap } from './gatehouse.js';

/** The own account. */
export const useMe = () => useQuery({ queryKey: ['me'], queryFn: () => unwrap(api.GET('/v1/users/me')) });

/** What the own page shows first. */
export const useDashboard = () =>
  useQuery({ queryKey: ['dashboard'], queryFn: () => unwrap(api.GET('/v1/dashboard')) });

interface ListPage<T> {
  items: T[];
  nextCursor: string | null;
}

/** A list of the API under a filter, page after page. What a search has just brought is not read a second time. */
export const listOf = <T>(name: string, filter: object, read: (cursor: string | undefined) => Promise<ListPage<T>>) =>
  infiniteQueryOptions({
    queryKey: [name, filter],
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    staleTime: 1_000,
  });

/** Reads anew whatever is shown, after something has been changed. */
export const readAgain = () => queries.invalidateQueries();
