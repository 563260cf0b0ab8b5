import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Failure } from './notice.js';

/** Something is on its way. Shown after a moment only, so that what is quick does not flicker. */
export function Loading() {
  return (
    <p className="loading" role="status">
      Loading…
    </p>
  );
}

/** What a query has brought, or that it is on its way, or why it failed. What is there stays when a later read fails. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  const failure = query.error && <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.data === undefined) return failure ?? <Loading />;
  return (
    <>
      {failure}
      {children(query.data)}
    </>
  );
}
