import fc from 'fast-check';
import { cpuTime } from '../../../test/support/cpu-time.js';
import { parseStrictJson, StrictJsonError } from './strict-json.js';

/** Reads the members of each object one by one, as no other code here does: whether a name stands twice in any of them. */
function hasDuplicate(text: string): boolean {
  let at = 0;
  const space = () => {
    while (' \t\r\n'.includes(text[at] ?? 'x')) at++;
  };
  const string = (): string => {
    const start = at++;
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    return JSON.parse(text.slice(start, ++at));
  };
  const value = (): boolean => {
    space();
    let found = false;
    if (text[at] === '"') string();
    else if (text[at] === '{' || text[at] === '[') {
      const names = new Set<string>();
      const isObject = text[at++] === '{';
      for (space(); text[at] !== '}' && text[at] !== ']'; space()) {
        if (text[at] === ',') at++;
        space();
        if (isObject) {
          const name = string();
          found ||= names.has(name);
          names.add(name);
          space();
          at++;
        }
        found = value() || found;
      }
      at++;
    } else while (at < text.length && !',]} \t\r\n'.includes(text[at] ?? '')) at++;
    return found;
  };
  return value();
}

/** Whether a name of any object holds what may not stand in one. */
function hasUnsafeName(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([name, member]) => /["\\\p{Cc}]/u.test(Array.isArray(value) ? '' : name) || hasUnsafeName(member),
  );
}

const outcome = (text: string | Buffer): unknown => {
  try {
    return { value: parseStrictJson(text) };
  } catch (error) {
    expect(error).toBeInstanceOf(StrictJsonError);
    return 'refused';
  }
};

/** Names that stand twice often, spelled in several ways. */
const name = fc.constantFrom('a', '\\u0061', 'b', ':', 'a:', '', 'é', '\\u00e9', '{', 'constructor');
const written = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      '0',
      '-1.5e3',
      'true',
      'null',
      '""',
      '"a"',
      '"a:b"',
      '"\\":"',
      '"\\\\"',
      '"{\\"a\\":1,\\"a\\":2}"',
      '" : "',
    ),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(' , ')}]`),
    fc
      .array(fc.tuple(name, fc.constantFrom('', ' ', '\n\t'), tie('value')), { maxLength: 5 })
      .map((members) => `{${members.map(([n, s, v]) => `"${n}"${s}:${s}${v}`).join(',')}}`),
  ),
})).value;

test('texts with and without a member that stands twice, against a reader of its own', () => {
  let duplicates = 0;
  fc.assert(
    fc.property(written, (text) => {
      const value: unknown = JSON.parse(text);
      const twice = hasDuplicate(text);
      if (twice) duplicates++;
      expect(outcome(text)).toEqual(twice ? 'refused' : { value });
    }),
    { numRuns: 1500 },
  );
  // The texts are of both kinds, or this would prove nothing.
  expect(duplicates).toBeGreaterThan(150);
  expect(duplicates).toBeLessThan(1350);
});

test('whatever JSON.stringify writes is read as JSON.parse reads it, from text and from bytes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('"__proto__":'));
      if (hasUnsafeName(value)) return expect(outcome(text)).toBe('refused');
      expect(outcome(text)).toEqual({ value: JSON.parse(text) });
      expect(outcome(Buffer.from(text))).toEqual({ value: JSON.parse(text) });
    }),
    { numRuns: 500 },
  );
});

test('any text is refused where JSON.parse refuses it, and never with another error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', 'a', '1', '\\', ' ') }),
      ),
      (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (!valid) expect(outcome(text)).toBe('refused');
        else outcome(text);
      },
    ),
    { numRuns: 1000 },
  );
});

test('any bytes at all', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void outcome(Buffer.from(bytes))));
});

test.each<[string, string | Buffer]>([
  ['a byte order mark', Buffer.from('\ufeff{}')],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['UTF-8 of a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['a lone surrogate', '"\\ud800"'],
  ['a lone surrogate as a name', '{"\\udc00":1}'],
  ['a lone surrogate deep inside', '[[{"a":["\\ud800x"]}]]'],
  ['a __proto__', '{"__proto__":1}'],
  ['an escaped __proto__', '{"\\u005f_proto__":1}'],
  ['a __proto__ twice', '{"__proto__":1,"__proto__":2}'],
  ['a quote in a name', '{"\\"":1}'],
  ['a quote in a name, by its number', '{"\\u0022":1}'],
  ['a backslash in a name', '{"a":{"b\\\\":1}}'],
  ['a backslash in a name, by its number', '{"\\u005C":1}'],
  ['a line break in a name', '[{"a\\nb":1}]'],
  ['a NUL in a name', '{"\\u0000":1}'],
  ['nothing', ''],
])('refused: %s', (_name, text) => {
  expect(outcome(text)).toBe('refused');
});

test.each<[string, unknown]>([
  ['"\\ud83d\\ude00"', '😀'],
  ['{"constructor":1}', { constructor: 1 }],
  ['"__proto__"', '__proto__'],
  ['{"a":"\\"b\\":","c":"d : e"}', { a: '"b":', c: 'd : e' }],
  ['{"\\u0061\\/":1}', { 'a/': 1 }],
  ['{"a":"\\\\","b":"\\u0000"}', { a: '\\', b: '\0' }],
  ['null', null],
  [' [ ] ', []],
])('taken: %s', (text, value) => {
  expect(outcome(text)).toEqual({ value });
});

test('what nests without end costs no stack, and a text of 64 KiB no time', async () => {
  const texts = [
    `${'['.repeat(32_000)}${']'.repeat(32_000)}`,
    `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
    `"${'\\\\'.repeat(32_000)}"`,
    `"${'a'.repeat(65_000)}`,
    `{"${'\\"'.repeat(32_000)}`,
    `{"${'\\"'.repeat(32_000)}\\`,
    `{"a"${' '.repeat(65_000)}`,
    `{${'"a" '.repeat(16_000)}}`,
    `["",${'"" ,'.repeat(16_000)}""]`,
  ];
  expect(await cpuTime(() => texts.forEach(outcome))).toBeLessThan(1000);
});

test('the error holds nothing of the text', () => {
  expect(() => parseStrictJson('{"secret-word":')).toThrow(/^not JSON$/);
});
