import { randomBytes } from 'node:crypto';
import { type BadToken, b64, type Forgery, refuseAll } from '../support/forge.js';

/**
 * One token has one spelling: RFC 7515, 2 (base64url without padding, white space or line breaks) and RFC 4648, 3.5
 * (stray bits). ASVS 5.0 V9.1.1 (signature first); CVE-2024-28176 (a JWE that unpacks without end).
 */

const edits: Record<string, (token: string) => string> = {
  'two parts': (t) => t.split('.').slice(0, 2).join('.'),
  'two parts and a dot': (t) => `${t.split('.').slice(0, 2).join('.')}.`,
  'one part': (t) => t.split('.')[0] ?? '',
  'four parts': (t) => `${t}.AAAA`,
  'a dot at the end': (t) => `${t}.`,
  'a dot at the start': (t) => `.${t}`,
  'two dots': (t) => t.replace('.', '..'),
  'dots only': () => '..',
  'padding at the end': (t) => `${t}=`,
  'more padding': (t) => `${t}==`,
  'padding in the header': (t) => t.replace('.', '=.'),
  'base64 for base64url': (t) =>
    t
      .replace(/-/g, '+')
      .replace(/_/g, '/')
      .replace(/^(...)./, '$1+'),
  'a space inside': (t) => `${t.slice(0, 40)} ${t.slice(40)}`,
  'a tab inside': (t) => `${t.slice(0, 40)}\t${t.slice(40)}`,
  'a space before a dot': (t) => t.replace('.', ' .'),
  'percent for a dot': (t) => t.replace('.', '%2e'),
  'a percent that encodes nothing': (t) => `${t}%`,
  'quotation marks': (t) => `"${t}"`,
  'angle brackets': (t) => `<${t}>`,
  'a second token behind a comma': (t) => `${t},${t}`,
  'a second token behind a space': (t) => `${t} ${t}`,
  'a second scheme': (t) => `Bearer ${t}`,
  'a parameter behind it': (t) => `${t};a=b`,
  'one character less': (t) => t.slice(0, -1),
  'one character more': (t) => `${t}A`,
  'four characters more': (t) => `${t}AAAA`,
  'the first character gone': (t) => t.slice(1),
  'parts in another order': (t) => t.split('.').reverse().join('.'),
  'capitals turned': (t) => t.replace(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())),
  'the header twice': (t) => t.replace(/^([^.]+)\./, '$1$1.'),
  'a fullwidth dot': (t) => t.replace('.', '\u00b7'),
  'the text null': () => 'null',
  'the text undefined': () => 'undefined',
  'the text [object Object]': () => '[object Object]',
  'a number': () => '1',
  'a JSON object': () => '{"alg":"none"}',
  'characters beyond ASCII': (t) => `${t}\u00ff`,
};
const edited: BadToken[] = Object.entries(edits).map(([name, edit]) => [name, (f) => edit(f.genuine)]);

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Another last character that decodes to the same bytes, or nothing where every bit counts. */
function strayBits(part: string): string | undefined {
  const head = part.slice(0, -1);
  const bytes = b64(Buffer.from(part, 'base64url'));
  return [...ALPHABET]
    .map((c) => head + c)
    .find((other) => other !== part && b64(Buffer.from(other, 'base64url')) === bytes);
}

/** A name that brings the length of a part to where its last character has bits to spare. */
function spelledOtherwise(forgery: Forgery, index: number): string {
  for (const username of ['a', 'ab', 'abc']) {
    const parts = forgery.withClaims({ username }).split('.');
    const other = strayBits(parts[index] ?? '');
    if (other === undefined) continue;
    parts[index] = other;
    return index === 2 ? parts.join('.') : forgery.forge.close(parts.slice(0, 2).join('.'));
  }
  throw new Error('No spelling found');
}

const spellings: BadToken[] = [
  ['stray bits in the payload, signed as they stand', (f) => spelledOtherwise(f, 1)],
  ['stray bits in the signature', (f) => spelledOtherwise(f, 2)],
  ['padding in the payload, signed as it stands', (f) => f.forge.close(`${b64(f.part(0))}.${b64(f.part(1))}=`)],
  ['white space in the payload, signed as it stands', (f) => f.forge.close(`${b64(f.part(0))}.${b64(f.part(1))} `)],
  ['an empty signature', (f) => f.genuine.replace(/[^.]+$/, '')],
  ['a signature cut to half', (f) => f.genuine.slice(0, -43)],
  ['the signature of another token', (f) => f.genuine.replace(/[^.]+$/, f.withClaims({ ver: 2 }).split('.')[2] ?? '')],
  [
    'the payload of another token',
    (f) => f.genuine.replace(/\.[^.]+\./, `.${b64(JSON.stringify(f.claims({ roles: ['admin'] })))}.`),
  ],
  ['more than 8 KiB, in the username', (f) => f.withClaims({ username: 'a'.repeat(6200) })],
  [
    'more than 8 KiB, in white space that JSON allows',
    (f) => f.forge.token(f.forge.header, `${f.part(1)}${' '.repeat(6200)}`),
  ],
  ['8 KiB of A', () => 'A'.repeat(8193)],
  ['8 KiB of dots', () => '.'.repeat(8193)],
  [
    'a JWE with five parts',
    (f) =>
      [
        b64('{"alg":"dir","enc":"A256GCM","zip":"DEF"}'),
        '',
        b64(randomBytes(12)),
        b64(f.part(1)),
        b64(randomBytes(16)),
      ].join('.'),
  ],
  [
    'the JSON form of a JWS',
    (f) => {
      const [header, payload, signature] = f.genuine.split('.');
      return JSON.stringify({ protected: header, payload, signature });
    },
  ],
  ['a token inside a token', (f) => f.forge.token(f.forge.header, f.genuine)],
  ['a refresh token', (f) => f.refreshToken],
  ['a refresh token as the payload', (f) => f.forge.token(f.forge.header, f.refreshToken)],
];

/** ASVS 5.0 V9.1.1: one bit, anywhere. */
const flips: BadToken[] = [0, 1, 2].flatMap((part): BadToken[] =>
  [0, 0.25, 0.5, 0.75, 1].flatMap((place): BadToken[] =>
    [1, 0x80].map((bit) => [
      `part ${part + 1} with bit ${bit} turned at ${place * 100} %`,
      (f) => {
        const parts = f.genuine.split('.');
        const bytes = Buffer.from(parts[part] ?? '', 'base64url');
        const at = Math.min(bytes.length - 1, Math.floor(place * bytes.length));
        bytes[at] = (bytes[at] ?? 0) ^ bit;
        parts[part] = b64(bytes);
        return parts.join('.');
      },
    ]),
  ),
);

const forgery = refuseAll({
  'a token that is spelled otherwise': edited,
  'a token of another form': spellings,
  'a token with one bit turned': flips,
});

test('a character of the signature changed at every place', async () => {
  const [header, payload, signature = ''] = forgery().genuine.split('.');
  for (let at = 0; at < signature.length; at++) {
    const other = ALPHABET[(ALPHABET.indexOf(signature[at] ?? '') + 1 + (at % 62)) % 64];
    await forgery().refuses(`${header}.${payload}.${signature.slice(0, at)}${other}${signature.slice(at + 1)}`);
  }
});
