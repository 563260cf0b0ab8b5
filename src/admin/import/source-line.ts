import { parseStrictJson, StrictJsonError } from '../../platform/common/strict-json.js';

/** A file as it is read. */
export type Bytes = AsyncIterable<Buffer>;

/** Bytes of one record at most: a longer one is no user. */
export const LONGEST_RECORD = 64 * 1024;

/** A record with the number of its line; null where the line holds none. */
export interface SourceLine {
  line: number;
  record: unknown;
  /** Why the line cannot be taken as it stands. */
  fault?: string;
}

/** The value of a JSON text, or null for what is none. */
export function parseRecord(bytes: Buffer): unknown {
  try {
    return parseStrictJson(
      bytes
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .trim(),
    );
  } catch (error) {
    if (error instanceof StrictJsonError) return null;
    throw error;
  }
}
