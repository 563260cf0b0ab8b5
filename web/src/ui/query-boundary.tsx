import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { GatehouseProblem } from '../gatehouse.js';
import { Loading } from './loading.js';
import { ErrorNotice } from './notice.js';

/**
 * Shows the data of a query, that it is loading, or why it failed. Data stays on screen if a later read fails, unless the
 * server now forbids this person to see it.
 */
export function QueryBoundary<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  const failure = query.error && <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const isForbidden = query.error instanceof GatehouseProblem && query.error.status === 403;
  if (query.data === undefined || isForbidden) return failure ?? <Loading />;
  return (
    <>
      {failure}
      {children(query.data)}
    </>
  );
}
