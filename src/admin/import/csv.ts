import { finished } from 'node:stream/promises';
import { CsvError, type Info, parse } from 'csv-parse';
import { type Bytes, LONGEST_RECORD, type SourceLine } from './source-line.js';

const SEPARATORS = [',', ';', '\t', '|'];

/** What the first line says about the file is wrong. */
export class CsvHeaderError extends Error {}

/** Takes each record as it is parsed: those before a fault that ends the parser would be lost in its buffer. */
export async function* readCsv(input: Bytes): AsyncGenerator<SourceLine> {
  const chunks = input[Symbol.asyncIterator]();
  const head = await headOf(chunks);
  const ready: SourceLine[] = [];
  let uneven = 0;
  const parser = parse({
    bom: true,
    delimiter: separatorOf(head),
    columns: checkNames,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    // A quotation mark within a field, as of inches, is a sign like any other.
    relax_quotes: true,
    max_record_size: LONGEST_RECORD,
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
  try {
    for (let chunk: Buffer | undefined = head; chunk && !parser.destroyed; chunk = (await chunks.next()).value) {
      parser.write(chunk);
      yield* ready.splice(0);
    }
  } finally {
    await chunks.return?.();
  }
  parser.end();
  const fault = await ended.then(
    () => null,
    (error: Error) => error,
  );
  yield* ready.splice(0);
  if (fault) throw fault instanceof CsvError ? new CsvHeaderError(fault.message) : fault;
}

/** Everything up to the end of the first line, and what came with it. */
async function headOf(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (!head.includes(10) && head.length < LONGEST_RECORD) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  return head;
}

/** The sign that stands most often between the names of the columns: spreadsheets write a semicolon where the comma is decimal. */
function separatorOf(head: Buffer): string {
  const [names = ''] = head
    .toString('utf8')
    .replace(/"[^"]*"/g, '')
    .split(/\r?\n/, 1);
  const count = (separator: string) => names.split(separator).length;
  return SEPARATORS.reduce((best, separator) => (count(separator) > count(best) ? separator : best));
}

/** Refuses a first line whose user would be lost as the names of columns; of two with one name the parser would keep the last. */
function checkNames(names: string[]): string[] {
  if (names.some((name) => name.includes('@'))) {
    throw new CsvHeaderError('The first line is a user: the names of the columns are missing.');
  }
  if (/^sep=/i.test(names[0] ?? ''))
    throw new CsvHeaderError('Take away the first line, which is for spreadsheets alone.');
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice !== undefined) throw new CsvHeaderError(`The column ${twice} is there twice.`);
  return names;
}
