import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Loaded } from './loading.js';
import { Table } from './table.js';

interface PagedTableProps<T> {
  query: UseInfiniteQueryResult<InfiniteData<{ items: T[] }>>;
  caption: string;
  columns: string[];
  empty: string;
  row: (item: T) => { key: string; cells: ReactNode[] };
}

/** A list of the API as a table; more of it when asked for. */
export function PagedTable<T>({ query, row, ...table }: PagedTableProps<T>) {
  return (
    <Loaded query={query}>
      {({ pages }) => (
        <>
          <Table {...table} rows={pages.flatMap(({ items }) => items).map(row)} />
          {query.hasNextPage && (
            <button type="button" onClick={() => void query.fetchNextPage()} aria-disabled={query.isFetchingNextPage}>
              Show more
            </button>
          )}
        </>
      )}
    </Loaded>
  );
}
