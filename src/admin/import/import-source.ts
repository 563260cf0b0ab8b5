import { CsvHeaderError, readCsv } from './csv.js';
import { JsonListError, JsonListReader, type JsonLists } from './json-list.js';
import { type Bytes, LONGEST_RECORD, parseRecord, type SourceLine } from './source-line.js';

export type ImportFormat = 'ndjson' | 'csv' | 'json';

/** The file cannot be read any further. */
export class ImportSourceError extends Error {
  override readonly name = 'ImportSourceError';
}

/**
 * The records of a file, one at a time, so that its length does not matter. JSON is one list, or has lists under the keys of
 * `lists`; objects one after another are read as NDJSON. Throws ImportSourceError.
 */
export async function* readSource(
  input: Bytes,
  format: ImportFormat,
  lists: JsonLists = { keys: [] },
): AsyncGenerator<SourceLine> {
  try {
    const { first, whole } = await peek(input);
    if (first === '') throw new ImportSourceError('It is empty.');
    if (first.startsWith('\xff\xfe') || first.startsWith('\xfe\xff')) {
      throw new ImportSourceError('It is UTF-16: save it as UTF-8.');
    }
    const isLines = format === 'ndjson' || (lists.keys.length === 0 && /^(?:\xef\xbb\xbf)?\s*\{/.test(first));
    if (format === 'csv') yield* readCsv(whole);
    else if (isLines) yield* readNdjson(whole);
    else yield* new JsonListReader(lists).read(whole);
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof CsvHeaderError || error instanceof JsonListError) throw new ImportSourceError(message);
    if (syscall !== undefined) throw new ImportSourceError(`It cannot be read (${code}).`);
    throw error;
  }
}

/** The beginning of the file, byte by byte, and all of it. */
async function peek(input: Bytes): Promise<{ first: string; whole: Bytes }> {
  const chunks = chunksOf(input);
  const { value, done } = await chunks.next();
  async function* whole() {
    if (!done) yield value;
    yield* chunks;
  }
  return { first: done ? '' : value.subarray(0, 256).toString('latin1'), whole: whole() };
}

async function* chunksOf(input: Bytes): AsyncGenerator<Buffer, void> {
  for await (const chunk of input) if (chunk.length > 0) yield chunk;
}

async function* readNdjson(input: Bytes): AsyncGenerator<SourceLine> {
  let line = 0;
  for await (const bytes of linesOf(input)) {
    line++;
    if (bytes === null) yield { line, record: {}, fault: 'The line is longer than 64 KiB.' };
    else if (
      bytes
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .trim() !== ''
    )
      yield { line, record: parseRecord(bytes) };
  }
}

/** Cuts at line feeds, with null for a line that is too long: readline would keep one of a gigabyte. */
async function* linesOf(input: Bytes): AsyncGenerator<Buffer | null> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.length;
    parts = length > LONGEST_RECORD ? [] : [...parts, part];
  };
  const end = () => {
    const line = length > LONGEST_RECORD ? null : Buffer.concat(parts);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of input) {
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
