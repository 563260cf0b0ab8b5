// Plain JavaScript, because the hashing threads load it straight from `src` under Jest and from `dist` when built.
import { createCipheriv, createHmac, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { verifySync } from '@node-rs/argon2';
import bcrypt from 'bcrypt';

/**
 * Password hashes brought along from other software, each with bounds, so that no imported hash holds a thread for
 * longer than about a second or takes more than 256 MiB. What is out of bounds counts as no hash at all.
 */

const LONGEST_HASH = 1024;
const MEMORY = 256 * 1024 * 1024;
/** scrypt's N·r·p; twice what OWASP asks for. */
const SCRYPT_WORK = 2 ** 21;
/** Argon2's KiB times passes. */
const ARGON2_WORK = 2 ** 20;
const PBKDF2_ITERATIONS = 3_000_000;
const HMAC_ITERATIONS = 500_000;

const BASE64 = '[A-Za-z0-9+/]+={0,2}';
const BCRYPT = /^\$2[ay]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/;
const ARGON2 =
  /^\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}$/;
const SCRYPT = new RegExp(`^\\$scrypt\\$ln=(\\d{1,2}),r=(\\d{1,3}),p=(\\d{1,3})\\$(${BASE64})\\$(${BASE64})$`);
const FIREBASE = new RegExp(
  `^\\$fbscrypt\\$v=1,n=(\\d{1,2}),r=(\\d{1,3}),p=(\\d{1,3}),ss=((?:${BASE64})?),sk=(${BASE64})\\$(${BASE64})\\$(${BASE64})$`,
);
/** Any text that Postgres keeps as it is, so neither NUL nor half of a character. */
const SALT = '[^$\\p{Cc}\\p{Cs}]{1,128}';
const DJANGO = new RegExp(`^pbkdf2_(sha256|sha1)\\$(\\d{1,7})\\$(${SALT})\\$(${BASE64})$`, 'u');
const PASSWORD_HASH = new RegExp(`^(md5|sha1|sha256|sha512)\\$(${SALT})\\$(\\d{1,6})\\$([0-9a-f]{32,128})$`, 'u');

/** @type {{ form: RegExp, read: (match: string[]) => ((password: string) => boolean) | null }[]} */
const KINDS = [
  // bcrypt 6 knows PHP's `$2y$` only by its other name.
  {
    form: BCRYPT,
    read:
      ([hash = '']) =>
      (password) =>
        bcrypt.compareSync(password, hash.replace('$2y$', '$2b$')),
  },
  { form: ARGON2, read: readArgon2 },
  { form: SCRYPT, read: readScrypt },
  { form: FIREBASE, read: readFirebase },
  { form: DJANGO, read: readDjango },
  { form: PASSWORD_HASH, read: readPasswordHash },
];

/**
 * Whether the text is a hash of one of these kinds, within bounds.
 * @param {string} hash
 */
export function isForeignHash(hash) {
  return checkOf(hash) !== null;
}

/**
 * Whether the password is the one behind the hash; false for what isForeignHash does not know.
 * @param {string} password
 * @param {string} hash
 */
export function verifyForeign(password, hash) {
  try {
    return checkOf(hash)?.(password) ?? false;
  } catch {
    return false; // an argon2 text whose base64 has bits to spare passes the form, but not the library
  }
}

/** @param {string} hash */
function checkOf(hash) {
  if (hash.length > LONGEST_HASH) return null;
  for (const { form, read } of KINDS) {
    const match = form.exec(hash);
    if (match) return read([...match]);
  }
  return null;
}

/** PHC string format. @param {string[]} match */
function readArgon2([hash = '', memory, passes, lanes]) {
  const [m, t, p] = [Number(memory), Number(passes), Number(lanes)];
  if (m * 1024 > MEMORY || m < 8 * p || t < 1 || p < 1 || p > 16 || m * t > ARGON2_WORK) return null;
  return (/** @type {string} */ password) => verifySync(hash, password);
}

/** PHC string format. @param {string[]} match */
function readScrypt([, ln, r, p, salt = '', digest = '']) {
  const options = scryptOptions(ln, r, p);
  const expected = Buffer.from(digest, 'base64');
  if (!options || expected.length < 16 || expected.length > 64) return null;
  return (/** @type {string} */ password) =>
    same(scryptSync(password, Buffer.from(salt, 'base64'), expected.length, options), expected);
}

/**
 * Firebase's own scrypt: the derived key encrypts the project's signer key. The spelling is that of Supabase Auth.
 * @param {string[]} match
 */
function readFirebase([, n, r, p, separator = '', signerKey = '', salt = '', digest = '']) {
  const options = scryptOptions(n, r, p);
  const [signer, expected] = [Buffer.from(signerKey, 'base64'), Buffer.from(digest, 'base64')];
  if (!options || signer.length !== expected.length || expected.length < 16) return null;
  const salted = Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(separator, 'base64')]);
  return (/** @type {string} */ password) => {
    const cipher = createCipheriv('aes-256-ctr', scryptSync(password, salted, 32, options), Buffer.alloc(16));
    return same(cipher.update(signer), expected);
  };
}

/** PBKDF2 as Django writes it. @param {string[]} match */
function readDjango([, digest = '', iterations, salt = '', hash = '']) {
  const rounds = Number(iterations);
  const expected = Buffer.from(hash, 'base64');
  if (rounds < 1 || rounds > PBKDF2_ITERATIONS || expected.length !== (digest === 'sha1' ? 20 : 32)) return null;
  return (/** @type {string} */ password) =>
    same(pbkdf2Sync(password, salt, rounds, expected.length, digest), expected);
}

/** The package `password-hash` of npm: HMAC over the hexadecimal text of the round before. @param {string[]} match */
function readPasswordHash([, digest = '', salt = '', iterations, hash = '']) {
  const rounds = Number(iterations);
  const length = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }[digest];
  if (rounds < 1 || rounds > HMAC_ITERATIONS || hash.length !== length) return null;
  return (/** @type {string} */ password) => {
    let text = password;
    for (let round = 0; round < rounds; round++) text = createHmac(digest, salt).update(text).digest('hex');
    return same(Buffer.from(text), Buffer.from(hash));
  };
}

/**
 * @param {string | undefined} ln
 * @param {string | undefined} r
 * @param {string | undefined} p
 */
function scryptOptions(ln, r, p) {
  const [log, blockSize, parallelization] = [Number(ln), Number(r), Number(p)];
  if (log < 1 || log > 20 || blockSize < 1 || blockSize > 32 || parallelization < 1 || parallelization > 16)
    return null;
  const cost = 2 ** log;
  if (cost * blockSize * parallelization > SCRYPT_WORK || 128 * cost * blockSize > MEMORY) return null;
  return { cost, blockSize, parallelization, maxmem: 2 * MEMORY };
}

/**
 * @param {Buffer} a
 * @param {Buffer} b
 */
function same(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}
