import { z } from 'zod';
import { isId } from './id.js';
import { Problem } from './problem.js';

/** Number() would also read `1e1`, ` 7`, `0x10` and the empty text. */
function fromDigits(text: unknown): unknown {
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** The query of every list: `limit` and `cursor`. Lists page by key, never by offset. */
export const pageQuery = z.strictObject({
  limit: z
    .preprocess(fromDigits, z.int().min(1).max(100).default(20))
    .meta({ description: 'How many at most, 1 to 100' }),
  cursor: z.string().max(512).optional().meta({ description: 'nextCursor of the page before' }),
});

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** The schema of a page of items. */
export function pageOf<T extends z.ZodType>(item: T, id: string) {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() }).meta({ id });
}

/** Cuts `limit + 1` rows to a page whose cursor is the id of its last row. */
export function toPage<T extends { id: string }>(rows: T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last.id) : null };
}

function cursorOf(id: string): string {
  return Buffer.from(id).toString('base64url');
}

/** Reads a cursor of toPage. Throws a Problem for one that this server did not make. */
export function idOfCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isId(id) || cursorOf(id) !== cursor)
    throw Problem.field('/cursor', 'Use the nextCursor of the page before, unchanged.');
  return id;
}
