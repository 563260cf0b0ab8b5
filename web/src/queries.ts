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

/**
 * A list of the API under a filter, page after page. A search that takes long may answer an empty page that says where to go
 * on; it is passed over. What a search has just brought is not read a second time.
 */
export const listOf = <T>(name: string, filter: object, read: (cursor: string | undefined) => Promise<ListPage<T>>) =>
  infiniteQueryOptions({
    queryKey: [name, filter],
    queryFn: async ({ pageParam }) => {
      let page = await read(pageParam);
      while (page.items.length === 0 && page.nextCursor !== null) page = await read(page.nextCursor);
      return page;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    staleTime: 1_000,
  });

/** Reads anew whatever is shown, after something has been changed. */
export const readAgain = () => queries.invalidateQueries();
