import fc from 'fast-check';

/** Strings that have broken somebody's server before. */
const STRINGS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'a\udc00\ud800',
  '\ufeff',
  '\u202egnp.exe',
  '\r\nSet-Cookie: a=b',
  "' OR 1=1 --",
  "'; SELECT pg_sleep(5); --",
  '$1',
  '%00',
  '%',
  '%ff%fe',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  '<script>alert(1)</script>',
  '{{7*7}}<%= 7*7 %>',
  '(a+)+$',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0x10',
  '1e309',
  '99999999999999999999',
  '2026-13-45T99:99:99Z',
  '00000000-0000-0000-0000-000000000000',
  'me',
  'İ',
  'ﷺ'.repeat(100),
  'e\u0301\u0327'.repeat(300),
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  `${'a'.repeat(320)}@example.com`,
  '"@example.com',
  'a@[127.0.0.1]',
  'a'.repeat(5_000),
];

/** What trips most: none of them may be rare. */
export const WORST = ['\0', 'a\0b', '\ud800', "'; SELECT pg_sleep(5); --"];

/** Text of any kind, bad text most of the time. */
export const hostileString = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...WORST) },
  { weight: 3, arbitrary: fc.constantFrom(...STRINGS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
);

/** Any JSON value, as a value. */
export const hostileValue = fc.oneof(
  { weight: 3, arbitrary: hostileString },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      1.5,
      1e308,
      Number.MAX_SAFE_INTEGER + 2,
      [],
      {},
      [[]],
      { $ne: 1 },
      ['x'],
      {
        toString: 'x',
        length: 3,
      },
    ),
  },
);

/** Bodies that are no sound JSON, as bytes. */
export const brokenBody = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      '',
      ' ',
      '{',
      '{}}',
      '{"a":1,}',
      "{'a':1}",
      '{"a":NaN}',
      '[1,2',
      'nul',
      '"',
      '\ufeff{}',
      '{"a":1}\0',
      '{"__proto__":{"roles":["admin"]}}',
      '{"constructor":{"prototype":{"roles":["admin"]}}}',
      '{"password":"a","password":"b"}',
      '{"pass\\u0077ord":"a","password":"b"}',
      '1e999',
      '"\\ud800"',
      '['.repeat(30_000),
      '['.repeat(30_000) + ']'.repeat(30_000),
      `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
      `[${'1,'.repeat(30_000)}1]`,
      `{${Array.from({ length: 5_000 }, (_, index) => `"k${index}":0`).join(',')}}`,
      `"${'a'.repeat(60_000)}"`,
      `"${'a'.repeat(70_000)}"`,
      `${'9'.repeat(60_000)}`,
      `{"email":"${'a@'.repeat(20_000)}","password":"x"}`,
    )
    .map((text) => Buffer.from(text)),
  fc.constantFrom(
    Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
    Buffer.from('{}', 'utf16le'),
  ),
);

/** Content types that are not ours, or nearly. */
export const contentType = fc.oneof(
  { weight: 8, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/json\t',
      'application/json;x',
      'application/json; charset=utf-16',
      'application/jsonx',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/merge-patch+json',
      '*/*',
      'json',
      '',
    ),
  },
);
