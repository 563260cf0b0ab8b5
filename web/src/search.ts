import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queries } from './gatehouse.js';
import type { pagedQuery } from './queries.js';

/** What became of the last search of a form. */
export type SearchState = 'done' | 'searching' | 'failed';

interface Search<F, T> {
  state: SearchState;
  /** Of the filter that was last found. */
  query: UseInfiniteQueryResult<InfiniteData<{ items: T[]; nextCursor: string | null }>>;
  /** Reads the list by a filter, which may have to be looked up first. Throws what the form is to show. */
  search(filter: F | Promise<F>): Promise<null>;
}

/** A list with a form for its filter. No answer to an earlier filter stands beside a later one, or beside its refusal. */
export function useSearch<F extends object, T>(
  queryOf: (filter: F) => ReturnType<typeof pagedQuery<T>>,
  initial: F,
): Search<F, T> {
  const [filter, setFilter] = useState(initial);
  const [state, setState] = useState<SearchState>('done');
  const query = useInfiniteQuery(queryOf(filter));
  const search = async (wanted: F | Promise<F>) => {
    setState('searching');
    try {
      const next = await wanted;
      // Read before it is shown: a refused filter then shows its error beside the field.
      await queries.fetchInfiniteQuery(queryOf(next));
      setFilter(next);
      setState('done');
    } catch (error) {
      setState('failed');
      throw error;
    }
    return null;
  };
  return { state, query, search };
}
