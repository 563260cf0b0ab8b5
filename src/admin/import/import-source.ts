import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CsvError, type Info, parse } from 'csv-parse';
import { parseStrictJson, StrictJsonError } from '../../platform/common/strict-json.js';

/** A longer line is no user. */
const LONGEST_LINE = 64 * 1024;

export type ImportFormat = 'ndjson' | 'csv';

/** A record with the number of its line; null where the line holds none. */
export interface SourceLine {
  line: number;
  record: unknown;
  /** Why the line cannot be taken as it stands. */
  fault?: string;
}

/** The file cannot be read any further. */
export class ImportSourceError extends Error {
  override readonly name = 'ImportSourceError';
}

/** The records of a file, one at a time, so that its length does not matter. Throws ImportSourceError. */
export async function* readSource(input: Readable, format: ImportFormat): AsyncGenerator<SourceLine> {
  try {
    yield* format === 'csv' ? readCsv(input) : readNdjson(input);
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof CsvError) throw new ImportSourceError(message);
    if (syscall !== undefined) throw new ImportSourceError(`It cannot be read (${code}).`);
    throw error;
  }
}

async function* readNdjson(input: Readable): AsyncGenerator<SourceLine> {
  let line = 0;
  for await (const bytes of linesOf(input)) {
    line++;
    const text = bytes
      ?.toString('utf8')
      .replace(/^\uFEFF/, '')
      .trim();
    if (text === undefined) yield { line, record: {}, fault: 'The line is longer than 64 KiB.' };
    else if (text !== '') yield { line, record: parsed(text) };
  }
}

function parsed(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (error instanceof StrictJsonError) return null;
    throw error;
  }
}

/** Cuts at line feeds, with null for a line that is too long: readline would keep one of a gigabyte. */
async function* linesOf(input: Readable): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.length;
    parts = length > LONGEST_LINE ? [] : [...parts, part];
  };
  const end = () => {
    const line = length > LONGEST_LINE ? null : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, at));
      yield end();
      from = at + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield end();
}

/** Takes each record as it is parsed: those before a fault that ends the parser would be lost in its buffer. */
async function* readCsv(input: Readable): AsyncGenerator<SourceLine> {
  const ready: SourceLine[] = [];
  let uneven = 0;
  const parser = parse({
    bom: true,
    columns: refuseTwice,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    // A quotation mark within a field, as of inches, is a sign like any other.
    relax_quotes: true,
    max_record_size: LONGEST_LINE,
    on_record: (record: unknown, info: Info) => {
      const fault = info.invalid_field_length > uneven ? 'The line has not as many columns as the first.' : undefined;
      uneven = info.invalid_field_length;
      ready.push({ line: info.lines, record, fault });
      return null;
    },
  });
  const ended = finished(parser.resume());
  // Told below, once what came before it is taken.
  ended.catch(() => undefined);
  for await (const chunk of input as AsyncIterable<Buffer>) {
    parser.write(chunk);
    yield* ready.splice(0);
    if (parser.destroyed) break;
  }
  parser.end();
  const fault = await ended.then(
    () => null,
    (error: Error) => error,
  );
  yield* ready.splice(0);
  if (fault) throw fault;
}

/** Of two columns with one name the parser would keep the last. */
function refuseTwice(names: string[]): string[] {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ImportSourceError(`The column ${twice} is there twice.`);
  return names;
}
