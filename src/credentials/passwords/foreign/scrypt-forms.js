import { createCipheriv, scryptSync } from 'node:crypto';
import { BASE64, fromAdaptedBase64, MEMORY, SALT, same } from './bounds.js';

/** N·r·p; twice what OWASP asks for. */
const MOST_WORK = 2 ** 21;

/** @type {import('./bounds.js').Form[]} */
export const SCRYPT_FORMS = [
  // PHC string format, and passlib's spelling of base64.
  {
    form: /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/.]+={0,2})\$([A-Za-z0-9+/.]+={0,2})$/,
    read: ([, ln, r, p, salt = '', hash = '']) =>
      scrypt(2 ** Number(ln), r, p, fromAdaptedBase64(salt), fromAdaptedBase64(hash)),
  },
  // Firebase's own: the derived key encrypts the project's signer key. The spelling is that of Supabase Auth.
  {
    form: new RegExp(
      `^\\$fbscrypt\\$v=1,n=(\\d{1,2}),r=(\\d{1,3}),p=(\\d{1,3}),ss=((?:${BASE64})?),sk=(${BASE64})\\$(${BASE64})\\$(${BASE64})$`,
    ),
    read: readFirebase,
  },
  // Django. The salt is text.
  {
    form: new RegExp(`^scrypt\\$(\\d{1,7})\\$(${SALT})\\$(\\d{1,3})\\$(\\d{1,3})\\$(${BASE64})$`, 'u'),
    read: ([, n, salt = '', r, p, hash = '']) =>
      scrypt(Number(n), r, p, Buffer.from(salt), Buffer.from(hash, 'base64')),
  },
  // Werkzeug. The salt is text, the hash hexadecimal.
  {
    form: new RegExp(`^scrypt:(\\d{1,7}):(\\d{1,3}):(\\d{1,3})\\$(${SALT})\\$((?:[0-9a-f]{2}){16,64})$`, 'u'),
    read: ([, n, r, p, salt = '', hash = '']) => scrypt(Number(n), r, p, Buffer.from(salt), Buffer.from(hash, 'hex')),
  },
  // better-auth. The salt is the hexadecimal text itself, and the password is in NFKC.
  {
    form: /^([0-9a-f]{32}):([0-9a-f]{128})$/,
    read: ([, salt = '', hash = '']) => {
      const check = scrypt(16_384, '16', '1', Buffer.from(salt), Buffer.from(hash, 'hex'));
      return check && ((password) => check(password.normalize('NFKC')));
    },
  },
];

/**
 * @param {number} cost
 * @param {string | undefined} r
 * @param {string | undefined} p
 * @param {Buffer} salt
 * @param {Buffer} expected
 */
function scrypt(cost, r, p, salt, expected) {
  const options = optionsOf(cost, r, p);
  if (!options || expected.length < 16 || expected.length > 64) return null;
  return (/** @type {string} */ password) => same(scryptSync(password, salt, expected.length, options), expected);
}

/** @param {string[]} match */
function readFirebase([, n, r, p, separator = '', signerKey = '', salt = '', hash = '']) {
  const options = optionsOf(2 ** Number(n), r, p);
  const [signer, expected] = [Buffer.from(signerKey, 'base64'), Buffer.from(hash, 'base64')];
  if (!options || signer.length !== expected.length || expected.length < 16) return null;
  const salted = Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(separator, 'base64')]);
  return (/** @type {string} */ password) => {
    const cipher = createCipheriv('aes-256-ctr', scryptSync(password, salted, 32, options), Buffer.alloc(16));
    return same(cipher.update(signer), expected);
  };
}

/**
 * @param {number} cost
 * @param {string | undefined} r
 * @param {string | undefined} p
 */
function optionsOf(cost, r, p) {
  const [blockSize, parallelization] = [Number(r), Number(p)];
  if (cost < 2 || cost > 2 ** 20 || !Number.isInteger(Math.log2(cost))) return null;
  if (blockSize < 1 || blockSize > 32 || parallelization < 1 || parallelization > 16) return null;
  // RFC 7914, 2: libraries refuse it.
  if (Math.log2(cost) >= 16 * blockSize) return null;
  if (cost * blockSize * parallelization > MOST_WORK || 128 * cost * blockSize > MEMORY) return null;
  return { cost, blockSize, parallelization, maxmem: 2 * MEMORY };
}
