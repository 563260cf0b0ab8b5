import type { Change } from '../../src/platform/database/feed/change-feed.js';

/** A row of the feed that says nothing but what it is told to. */
export function change(said: Partial<Change> & Pick<Change, 'kind'>): Change {
  return { number: 1, id: null, ver: null, roles: null, floor: null, kept: null, disabled: null, ...said };
}
