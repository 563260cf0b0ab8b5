import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { CommonPasswords } from './common-passwords.js';

const file = new URL('./common-passwords.txt.br', import.meta.url);
const lines = brotliDecompressSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
const common = new CommonPasswords();

it('holds more than 100 000 distinct passwords, over 100 000 of them of 8 characters or more', () => {
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines.length).toBeGreaterThanOrEqual(100_000);
  expect(lines.filter((line) => [...line].length >= 8).length).toBeGreaterThanOrEqual(100_000);
});

it('is written as the search expects it: lower case, NFC, in byte order', () => {
  expect(lines.filter((line) => line === '' || line !== line.normalize('NFC').toLowerCase())).toEqual([]);
  expect(lines).toEqual(lines.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
});

it('finds every line, the first and the last too', () => {
  expect(lines.filter((line) => !common.has(line))).toEqual([]);
});

it.each(['', '\n', 'password1\n', '\npassword1', 'password1\n12345678', 'password1~', 'PASSWORD1', '\u{10ffff}'])(
  'does not find %j',
  (text) => {
    expect(common.has(text)).toBe(false);
  },
);

it('does not find a line with a character more', () => {
  const known = new Set(lines);
  const longer = lines.map((line) => `${line}~`).filter((line) => !known.has(line));
  expect(longer.length).toBeGreaterThan(100_000);
  expect(longer.filter((line) => common.has(line))).toEqual([]);
});
