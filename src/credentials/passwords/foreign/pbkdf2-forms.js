import { pbkdf2Sync } from 'node:crypto';
import { BASE64, fromAdaptedBase64, SALT, same } from './bounds.js';

/** Iterations for each block that is derived. */
const MOST_ITERATIONS = 3_000_000;
/** @type {Record<string, number>} */
const BLOCK = { sha1: 20, sha256: 32, sha512: 64 };

/** @type {import('./bounds.js').Form[]} */
export const PBKDF2_FORMS = [
  // Django. The salt is text, the hash one block.
  {
    form: new RegExp(`^pbkdf2_(sha256|sha1)\\$(\\d{1,7})\\$(${SALT})\\$(${BASE64})$`, 'u'),
    read: ([, digest = '', iterations, salt = '', hash = '']) => {
      const expected = Buffer.from(hash, 'base64');
      return expected.length === BLOCK[digest] ? pbkdf2(digest, iterations, Buffer.from(salt), expected) : null;
    },
  },
  // passlib, and what an import makes of Keycloak's and of ASP.NET's. The hash may be several blocks long.
  {
    form: /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d{1,7})\$([A-Za-z0-9./]{1,171})\$([A-Za-z0-9./]{22,171})$/,
    read: ([, digest, iterations, salt = '', hash = '']) =>
      pbkdf2(digest ?? 'sha1', iterations, fromAdaptedBase64(salt), fromAdaptedBase64(hash)),
  },
  // Werkzeug. The salt is text, the hash hexadecimal.
  {
    form: new RegExp(`^pbkdf2:(sha1|sha256|sha512):(\\d{1,7})\\$(${SALT})\\$((?:[0-9a-f]{2}){16,128})$`, 'u'),
    read: ([, digest = '', iterations, salt = '', hash = '']) =>
      pbkdf2(digest, iterations, Buffer.from(salt), Buffer.from(hash, 'hex')),
  },
];

/**
 * @param {string} digest
 * @param {string | undefined} iterations
 * @param {Buffer} salt
 * @param {Buffer} expected
 */
function pbkdf2(digest, iterations, salt, expected) {
  const rounds = Number(iterations);
  const blocks = Math.ceil(expected.length / (BLOCK[digest] ?? 1));
  if (rounds < 1 || rounds * blocks > MOST_ITERATIONS || expected.length < 16 || salt.length === 0) return null;
  return (/** @type {string} */ password) =>
    same(pbkdf2Sync(password, salt, rounds, expected.length, digest), expected);
}
