import { z } from 'zod';
import { isId } from '../common/id.js';
import { Problem } from './problem.js';

/** Number() would also read `1e1`, ` 7`, `0x10` and the empty text. */
function fromDigits(text: unknown): unknown {
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** A number from `min` to `max` in a query, in digits and nothing else. */
export function digits(min: number, max: number, otherwise: number) {
  return z.preprocess(fromDigits, z.int().min(min).max(max).default(otherwise));
}

/** The query of every list: `limit` and `cursor`. Lists page by key, never by offset. */
export const pageQuery = z.strictObject({
  limit: digits(1, 100, 20).meta({ description: 'How many at most, 1 to 100' }),
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
  return toPageBy(rows, limit, ({ id }) => id);
}

/** As toPage, for rows that are sorted by another key. */
export function toPageBy<T>(rows: T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? cursorOf(keyOf(last)) : null };
}

/** The cursor of a page that ends with this key. */
export function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** Reads a cursor of toPage. Throws a Problem for one that this server did not make. */
export function idOfCursor(cursor: string | undefined): string | null {
  return keyOfCursor(cursor, isId);
}

/** Reads a cursor of cursorOf; `isKey` says of which texts it can be. Throws as idOfCursor does. */
export function keyOfCursor(cursor: string | undefined, isKey: (text: string) => boolean): string | null {
  if (cursor === undefined) return null;
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isKey(key) || cursorOf(key) !== cursor)
    throw Problem.field('/cursor', 'Use the nextCursor of the page before, unchanged.');
  return key;
}
