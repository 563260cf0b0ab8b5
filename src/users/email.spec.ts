import fc from 'fast-check';
import { cpuTime } from '../../test/support/cpu-time.js';
import { readEmail } from './email.js';

test.each([
  ['ada@example.com', 'ada@example.com'],
  ['Ada.Lovelace+tag@Example.COM', 'ada.lovelace+tag@example.com'],
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ada@XN--BCHER-KVA.example', 'ada@xn--bcher-kva.example'],
  ['ada@b\u0075\u0308cher.example', 'ada@xn--bcher-kva.example'],
  ['ad\u0061\u0308@example.com', 'adä@example.com'],
  ['ADÄ@example.com', 'adä@example.com'],
  ["o'brien@example.ie", "o'brien@example.ie"],
  ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
])('%s is compared as %s', (text, key) => {
  expect(readEmail(text)?.key).toBe(key);
});

test.each([
  '',
  ' ',
  'ada',
  '@',
  'ada@',
  '@example.com',
  'ada@example',
  'ada@localhost',
  'ada@@example.com',
  'ada@example@com.org',
  'a b@example.com',
  'ada @example.com',
  ' ada@example.com',
  'ada@example.com ',
  'ada@example.com\n',
  'ada\r\nBcc: eve@example.com',
  '"ada"@example.com',
  '"a@evil.example"@example.com',
  'ada(comment)@example.com',
  '<ada@example.com>',
  'Ada <ada@example.com>',
  'mailto:ada@example.com',
  'ada,eve@example.com',
  'ada;eve@example.com',
  '.ada@example.com',
  'ada.@example.com',
  'a..da@example.com',
  'ada@-example.com',
  'ada@example-.com',
  'ada@.example.com',
  'ada@example.com.',
  'ada@example..com',
  'ada@127.0.0.1',
  'ada@[127.0.0.1]',
  'ada@[::1]',
  'ada@example.c',
  'ada@example.123',
  'ada@exa_mple.com',
  'ada@example.com/x',
  'ada@example.com:25',
  'ada@example.com?x',
  'ada@exa%6dple.com',
  'ada\u0000@example.com',
  'ada@exam\u0000ple.com',
  'ada\u200b@example.com',
  'ada\u202e@example.com',
  'ada\ud800@example.com',
  'ada@example\u3002com@x.org',
  `${'a'.repeat(65)}@example.com`,
  `ada@${'a'.repeat(64)}.com`,
  `ada@${'a.'.repeat(127)}com`,
  `${'é'.repeat(33)}@example.com`,
  `${'a'.repeat(400)}@example.com`,
])('%j is no address', (text) => {
  expect(readEmail(text)).toBeNull();
});

const letters = fc.string({
  unit: fc.constantFrom('a', 'B', 'é', 'E', '\u0301', 'ß', 'İ', 'ı', 'Σ', 'K', '例', '1', '-', '+', '.'),
  minLength: 1,
  maxLength: 8,
});
const address = fc
  .tuple(
    letters,
    fc.constantFrom('example.com', 'BÜCHER.example', 'b\u0075\u0308cher.Example', 'ﬁsh.example', 'straße.example'),
  )
  .map((parts) => parts.join('@'));

test('an address and its key are the same address', () => {
  fc.assert(
    fc.property(address, (text) => {
      const email = readEmail(text);
      if (!email) return;
      expect(readEmail(email.key)?.key).toBe(email.key);
      expect(readEmail(email.written)?.key).toBe(email.key);
    }),
    { numRuns: 2000 },
  );
});

test('however its letters are composed, and whatever their case, an address has one key', () => {
  fc.assert(
    fc.property(address, (text) => {
      const email = readEmail(text);
      if (!email) return;
      expect(readEmail(text.normalize('NFD'))?.key).toBe(email.key);
      expect(readEmail(text.toLowerCase())?.key).toBe(email.key);
    }),
    { numRuns: 2000 },
  );
});

test('no text throws, and what is taken has one @ and no white space, control character or quotation mark', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.emailAddress(), fc.string({ unit: 'binary' })), (text) => {
      const email = readEmail(text);
      if (email) expect(email.key).toMatch(/^[^\s\p{Cc}"<>@,;]+@[a-z0-9.-]+$/u);
    }),
    { numRuns: 2000 },
  );
});

test('a text made to be slow is not', async () => {
  const readAll = () => {
    for (const part of ['a.', 'a', '\u0301', '@', 'é', '例', '.-']) {
      readEmail(part.repeat(30_000));
      readEmail(`${part.repeat(100)}@example.com`);
      readEmail(`ada@${part.repeat(100)}`);
    }
  };
  expect(await cpuTime(readAll)).toBeLessThan(200);
});
