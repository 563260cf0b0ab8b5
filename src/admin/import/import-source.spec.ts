import { Readable } from 'node:stream';
import { type ImportFormat, readSource } from './import-source.js';
import type { SourceLine } from './source-line.js';

async function read(format: ImportFormat, ...chunks: (string | Buffer)[]): Promise<SourceLine[]> {
  const lines: SourceLine[] = [];
  for await (const line of readSource(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), format))
    lines.push(line);
  return lines;
}

test('CSV: quotes, line ends within them, a byte order mark and empty lines', async () => {
  const text = '\uFEFFemail,name\r\na@x.test,"One, ""two""\r\nthree"\r\n\r\nb@x.test,\r\n';
  expect(await read('csv', text)).toMatchObject([
    { record: { email: 'a@x.test', name: 'One, "two"\r\nthree' } },
    { record: { email: 'b@x.test', name: '' } },
  ]);
});

test('CSV: a quotation mark within a field is a sign like any other', async () => {
  const lines = await read('csv', 'email,name\na@x.test,5" nail\nb@x.test,B\n');
  expect(lines.map(({ record }) => (record as { name: string }).name)).toEqual(['5" nail', 'B']);
});

test('CSV: a line with other columns than the first is told, and the next is read', async () => {
  const lines = await read('csv', 'email,name\na@x.test,A\nb@x.test,B,C\nc@x.test\nd@x.test,D\n');
  expect(lines.map(({ line, fault }) => [line, fault !== undefined])).toEqual([
    [2, false],
    [3, true],
    [4, true],
    [5, false],
  ]);
});

test.each([
  ['a column twice', 'email,email\na@x.test,b@x.test\n', 'The column email is there twice.'],
  ['a quote that never ends', 'email,name\n"a@x.test,A\n', 'Quote Not Closed'],
  ['a first line that is a user', 'a@x.test,A\nb@x.test,B\n', 'The first line is a user'],
  ['a line for spreadsheets alone', 'sep=;\nemail;name\na@x.test;A\n', 'Take away the first line'],
  ['a record without end', `email\n"${'x\n'.repeat(100_000)}`, 'Max Record Size'],
])('CSV: %s ends it', async (_, text, message) => {
  await expect(read('csv', text)).rejects.toThrow(message);
});

test('CSV: a fault takes nothing away from the lines before it', async () => {
  const good = Array.from({ length: 3_000 }, (_, index) => `p${index}@x.test,N`);
  const lines: number[] = [];
  const reading = (async () => {
    const input = Readable.from([Buffer.from(`email,name\n${good.join('\n')}\n"broken"x,N\nlate@x.test,N\n`)]);
    for await (const { line } of readSource(input, 'csv')) lines.push(line);
  })();
  await expect(reading).rejects.toThrow('line 3002');
  expect(lines).toHaveLength(good.length);
});

test('NDJSON: lines cut anywhere by the stream, with any line end, numbered', async () => {
  const lines = await read('ndjson', '\uFEFF{"email":"a', '@x.test"}\r', '\n\n{"email":"ü', '"}');
  expect(lines).toEqual([
    { line: 1, record: { email: 'a@x.test' } },
    { line: 3, record: { email: 'ü' } },
  ]);
});

test('NDJSON: a line of more than 64 KiB is told, wherever the stream cuts it, and the next is read', async () => {
  const line = (length: number) => JSON.stringify({ name: 'x'.repeat(length - 11) });
  const text = [line(65_536), line(65_537), '{"email":"a@x.test"}', line(1_000_000)].join('\n');
  for (const size of [1_000, 65_536, 65_537, text.length]) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, n) =>
      text.slice(n * size, (n + 1) * size),
    );
    const lines = await read('ndjson', ...chunks);
    expect(lines.map(({ line, fault }) => [line, fault])).toEqual([
      [1, undefined],
      [2, 'The line is longer than 64 KiB.'],
      [3, undefined],
      [4, 'The line is longer than 64 KiB.'],
    ]);
    expect(lines[2]?.record).toEqual({ email: 'a@x.test' });
  }
});

test.each([';', '\t', '|', ','])(
  'CSV: columns are separated by %j, whatever stands within quotes',
  async (separator) => {
    const lines = [`"e,m;a|i\tl"${separator}name`, `a@x.test${separator}"One, two; three"`];
    expect(await read('csv', ...`\uFEFF${lines.join('\r\n')}\r\n`)).toMatchObject([
      { record: { 'e,m;a|i\tl': 'a@x.test', name: 'One, two; three' } },
    ]);
  },
);

test.each(['ndjson', 'csv', 'json'] as const)('%s: UTF-16 is told', async (format) => {
  await expect(read(format, Buffer.from('\uFEFFemail\n', 'utf16le'))).rejects.toThrow(
    'It is UTF-16: save it as UTF-8.',
  );
});

const REALM = `[{"realm": "a", "users": [
  {"id": "1", "users": [{"no": 1}], "text": "}]\\"],{"},
  {"id": "2"}], "clients": [{"users": [1]}]},
 {"users": []}, {"users": [{"id": "3"}]}]`;

test('JSON: the users of every realm, wherever the stream cuts it, with their lines', async () => {
  const ids = async (...chunks: string[]) => {
    const lines: [number, unknown][] = [];
    const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
    for await (const { line, record } of readSource(input, 'json', { keys: ['users'], nested: true })) {
      lines.push([line, (record as { id: string }).id]);
    }
    return lines;
  };
  const expected = [
    [2, '1'],
    [3, '2'],
    [4, '3'],
  ];
  expect(await ids(REALM)).toEqual(expected);
  expect(await ids(...REALM)).toEqual(expected);
});

test('JSON: one that is broken or too long is told, and the next is read', async () => {
  const long = JSON.stringify({ name: 'x'.repeat(70_000) });
  const lines = await read('json', `[{"a": 1}, {"b" 2}, ${long}, 7,\n {"c": 3, "c": 4}, {"d": 5}]`);
  expect(lines.map(({ record, fault }) => (fault ? 'too long' : record))).toEqual([
    { a: 1 },
    null,
    'too long',
    7,
    null,
    { d: 5 },
  ]);
});

test.each([
  ['a list that ends in the middle', '[{"a": 1}', 'It ends in the middle'],
  ['brackets that do not fit', '[{"a": 1}}', 'no JSON'],
  ['a text', '"users"', 'no list of users'],
  ['an object after the list', '[{"a": 1}]\n{"a": 2}', 'Line 2: here stands what belongs to no list of users.'],
  ['a text after the list', '[{"a": 1}] "{}"', 'belongs to no list'],
  ['a bracket too many', '[{"a": 1}]]', 'belongs to no list'],
  ['what is nested for its own sake', '['.repeat(1_000_000), 'nested too deeply'],
])('JSON: %s ends it', async (_what, text, message) => {
  await expect(read('json', text)).rejects.toThrow(message);
});

test('JSON: lists one after another, as of several pages, are all read', async () => {
  expect(await read('json', '\uFEFF[{"a": 1}]\n [{"a": 2}]\n')).toMatchObject([
    { record: { a: 1 } },
    { record: { a: 2 } },
  ]);
});

test.each(['ndjson', 'csv', 'json'] as const)('%s: an empty file is told', async (format) => {
  await expect(read(format)).rejects.toThrow('It is empty.');
  await expect(read(format, '')).rejects.toThrow('It is empty.');
});

test('JSON: objects one after another are read as NDJSON', async () => {
  expect(await read('json', '\uFEFF {"a": 1}\n{"a": 2}\n')).toMatchObject([{ record: { a: 1 } }, { record: { a: 2 } }]);
});

test.each(['ndjson', 'csv'] as const)('%s: what cannot be read is no fault of ours', async (format) => {
  const broken = new Readable({
    read() {
      this.destroy(Object.assign(new Error('EISDIR: illegal operation'), { code: 'EISDIR', syscall: 'read' }));
    },
  });
  const reading = (async () => {
    for await (const line of readSource(broken, format)) expect(line).toBeUndefined();
  })();
  await expect(reading).rejects.toMatchObject({ name: 'ImportSourceError', message: 'It cannot be read (EISDIR).' });
});
