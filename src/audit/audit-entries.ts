import type { EntityManager } from 'typeorm';
import { inBatches } from '../platform/common/batches.js';
import type { SealedEntry } from './audit-entry.js';
import { ENTRIES } from './audit-store.js';

/** Entries of one statement at most: each may have some 40 KiB, and a statement of the server has 3 s. */
const BATCH = 100;

/** The entries of these ids that are there, as they are sealed. Throws the driver's error. */
export async function readEntries(ids: readonly string[], manager: EntityManager): Promise<SealedEntry[]> {
  const entries: SealedEntry[] = [];
  for (const some of inBatches(ids, BATCH)) entries.push(...(await manager.query<SealedEntry[]>(ENTRIES, [some])));
  return entries;
}
