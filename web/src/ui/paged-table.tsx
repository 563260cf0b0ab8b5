import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { focusOnMain } from './page.js';
import { QueryBoundary } from './query-boundary.js';
import { Table } from './table.js';

interface PagedTableProps<T> {
  query: UseInfiniteQueryResult<InfiniteData<{ items: T[] }>>;
  caption: string;
  columns: string[];
  empty: string;
  row: (item: T) => { key: string; cells: ReactNode[] };
}

/** A list of the API, one page at a time. */
export function PagedTable<T>({ query, row, ...table }: PagedTableProps<T>) {
  const showMore = async () => {
    const { hasNextPage } = await query.fetchNextPage();
    if (!hasNextPage) focusOnMain();
  };
  return (
    <QueryBoundary query={query}>
      {({ pages }) => {
        const rows = pages.flatMap(({ items }) => items).map(row);
        return (
          <>
            <p className="visually-hidden" role="status">
              {rows.length || 'None'} found{query.hasNextPage && ', and there are more'}.
            </p>
            <Table {...table} rows={rows} />
            {query.hasNextPage && (
              <button type="button" onClick={showMore} aria-disabled={query.isFetchingNextPage}>
                Show more
              </button>
            )}
          </>
        );
      }}
    </QueryBoundary>
  );
}
