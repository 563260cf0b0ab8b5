import { infiniteQueryOptions, useQuery } from '@tanstack/react-query';
import { api, queries, unwrap } from './gatehouse.js';

export const useMe = () => useQuery({ queryKey: ['me'], queryFn: () => unwrap(api.GET('/v1/users/me')) });

export const useDashboard = () =>
  useQuery({ queryKey: ['dashboard'], queryFn: () => unwrap(api.GET('/v1/dashboard')) });

interface ListPage<T> {
  items: T[];
  nextCursor: string | null;
}

/**
 * A filtered list of the API, page by page. A slow search may answer an empty page with a cursor, which is skipped. Fresh
 * for a second, so that the table does not repeat the request that a search form has just made.
 */
export const pagedQuery = <T>(
  name: string,
  filter: object,
  read: (cursor: string | undefined) => Promise<ListPage<T>>,
) =>
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

/** Refreshes everything on screen after a change. */
export const refetchAll = () => queries.invalidateQueries();
