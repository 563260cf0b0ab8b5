import fc from 'fast-check';
import { readTokenForm } from './token-form.js';

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k' };
const token = (head: unknown = header, payload: unknown = { a: 1 }, signature = 'AAAA') =>
  `${encode(head)}.${encode(payload)}.${signature}`;

test('says the algorithm and key of a token of our form, whatever the order of its members', () => {
  expect(readTokenForm(token())).toEqual({ alg: 'ES256', kid: 'k' });
  expect(readTokenForm(token({ kid: 'k', typ: 'at+jwt', alg: 'x' }))).toEqual({ alg: 'x', kid: 'k' });
});

test('no text but one of our form is taken, and none throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('A', '.', '_', '-', '=', 'e', 'y', 'J') })),
      (text) => expect(readTokenForm(text)).toBeNull(),
    ),
    { numRuns: 2000 },
  );
});

test('one token has one spelling: no other text decodes to the same and passes', () => {
  const good = token();
  const at = fc.nat(good.length - 1);
  fc.assert(
    fc.property(at, fc.string({ minLength: 1, maxLength: 1 }), fc.boolean(), (index, character, inserted) => {
      const other = good.slice(0, index) + character + good.slice(index + (inserted ? 0 : 1));
      fc.pre(other !== good);
      const bytes = (text: string) =>
        text
          .split('.')
          .map((part) => Buffer.from(part, 'base64url').toString('hex'))
          .join('.');
      if (bytes(other) === bytes(good)) expect(readTokenForm(other)).toBeNull();
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, string]>([
  ['a payload that is no object', token(header, '[]')],
  ['a payload with a member twice', token(header, '{"a":1,"a":1}')],
  ['a header with a member more', token({ ...header, crit: [] })],
  ['a header with a member less', token({ alg: 'ES256', kid: 'k' })],
  ['a header that is an array', token(['ES256', 'at+jwt', 'k'])],
  ['alg that is no text', token({ ...header, alg: 1 })],
  ['kid that is no text', token({ ...header, kid: null })],
  ['another typ', token({ ...header, typ: 'JWT' })],
  ['no signature', token(header, {}, '')],
  ['stray bits in the signature', token(header, {}, 'AB')],
  ['a signature of one character', token(header, {}, 'A')],
  ['a line break at the end', `${token()}\n`],
  ['more than 8 KiB', token(header, { a: 'a'.repeat(6200) })],
])('refused: %s', (_name, text) => {
  expect(readTokenForm(text)).toBeNull();
});

test('8 KiB are taken, and what is longer is not even read', () => {
  const size = (length: number) => token(header, { a: 1 }, 'A'.repeat(length));
  const room = 8192 - size(0).length;
  expect(readTokenForm(size(room - (room % 4)))).not.toBeNull();
  expect(readTokenForm(size(room + 4 - (room % 4)))).toBeNull();
});
