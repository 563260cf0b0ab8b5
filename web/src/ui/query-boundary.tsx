import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { GatehouseProblem } from '../gatehouse.js';
import { Loading } from './loading.js';
import { ErrorNotice } from './notice.js';

/**
 * Shows the data of a query, that it is loading, or why it failed. Data stays on screen if a later read fails, unless the
 * server now forbids this person to see it; like an answer to another question, it is marked.
 */
export function QueryBoundary<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  const failure = query.error && <ErrorNotice error={query.error} retry={() => void query.refetch()} />;
  const isForbidden = query.error instanceof GatehouseProblem && query.error.status === 403;
  if (query.data === undefined || isForbidden) return failure ?? <Loading />;
  const isStale = query.error !== null || query.isPlaceholderData;
  return (
    <>
      {failure}
      {failure && <p className="hint">What was read before:</p>}
      <div className={isStale ? 'stale' : undefined} aria-busy={query.isPlaceholderData}>
        {children(query.data)}
      </div>
    </>
  );
}
