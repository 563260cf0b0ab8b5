import type { ReactNode } from 'react';
import type { SearchState } from '../search.js';
import { Loading } from './loading.js';

/** The list of a search, or in its place that there is none yet, or that the search failed. */
export function SearchResult({ state, children }: { state: SearchState; children: ReactNode }) {
  if (state === 'searching') return <Loading />;
  if (state === 'failed') return <p className="hint">Nothing is shown, because the search failed.</p>;
  return children;
}
