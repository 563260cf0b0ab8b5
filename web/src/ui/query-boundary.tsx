import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { GatehouseProblem } from '../gatehouse.js';
import { Failure } from './notice.js';

/** Something is on its way. Shown after a moment only, so that what is quick does not flicker. */
export function Loading() {
  return (
    <p className="loading" role="status">
      Loading…
    </p>
  );
}

/**
 * What a query has brought, or that it is on its way, or why it failed. What is there stays when a later read fails, but not
 * where it is no longer this person's to see.
 */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  const failure = query.error && <Failure error={query.error} retry={() => void query.refetch()} />;
  const isForbidden = query.error instanceof GatehouseProblem && query.error.status === 403;
  if (query.data === undefined || isForbidden) return failure ?? <Loading />;
  return (
    <>
      {failure}
      {children(query.data)}
    </>
  );
}
