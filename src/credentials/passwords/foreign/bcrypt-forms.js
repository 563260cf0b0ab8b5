import { createHash, createHmac } from 'node:crypto';
import bcrypt from 'bcrypt';

/** Costs above 15 hold a thread for seconds, 31 for a day. */
const COST = '(?:0[4-9]|1[0-5])';
const TAIL = '[./A-Za-z0-9]{53}';
/** What is hashed before bcrypt, whole: these forms read all of a password. */
const PREHASHES = {
  /** WordPress 6.8. @param {string} password */
  wordpress: (password) => createHmac('sha384', 'wp-sha384').update(password).digest('base64'),
  /** Django's bcrypt_sha256. @param {string} password */
  django: (password) => createHash('sha256').update(password).digest('hex'),
};

/** bcrypt 6 knows PHP's `$2y$` only by its other name. @param {string} secret @param {string} hash */
const compare = (secret, hash) => bcrypt.compareSync(secret, hash.replace(/^\$2[ay]\$/, '$2b$'));

/** @type {import('./bounds.js').Form[]} */
export const BCRYPT_FORMS = [
  {
    form: new RegExp(`^\\$2[ay]\\$${COST}\\$${TAIL}$`),
    read:
      ([hash = '']) =>
      (password) =>
        compare(password, hash),
  },
  {
    form: new RegExp(`^\\$wp(\\$2[aby]\\$${COST}\\$${TAIL})$`),
    read:
      ([, hash = '']) =>
      (password) =>
        compare(PREHASHES.wordpress(password), hash),
  },
  {
    form: new RegExp(`^bcrypt_sha256\\$(\\$2[aby]\\$${COST}\\$${TAIL})$`),
    read:
      ([, hash = '']) =>
      (password) =>
        compare(PREHASHES.django(password), hash),
  },
  // passlib: version 2 has the salt in its HMAC, version 1 is plain SHA-256.
  {
    form: /^\$bcrypt-sha256\$v=2,t=2b,r=(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/,
    read: ([, rounds, salt = '', digest = '']) =>
      readPasslib(rounds, salt, digest, (password) => createHmac('sha256', salt).update(password).digest('base64')),
  },
  {
    form: /^\$bcrypt-sha256\$2[ab],(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/,
    read: ([, rounds, salt = '', digest = '']) =>
      readPasslib(rounds, salt, digest, (password) => createHash('sha256').update(password).digest('base64')),
  },
  // Devise with a pepper, which the import has put before the hash.
  {
    form: new RegExp(`^\\$devise\\$([A-Za-z0-9_-]{1,400})(\\$2[aby]\\$${COST}\\$${TAIL})$`),
    read: ([, pepper = '', hash = '']) => {
      const added = Buffer.from(pepper, 'base64url').toString('utf8');
      return (password) => compare(password + added, hash);
    },
  },
];

/** Whether the hash was made of the first 72 bytes of a password alone. @param {string} hash */
export function readsOnly72Bytes(hash) {
  return /^\$(?:2[ay]|devise)\$/.test(hash);
}

/**
 * @param {string | undefined} rounds
 * @param {string} salt
 * @param {string} digest
 * @param {(password: string) => string} prehash
 */
function readPasslib(rounds, salt, digest, prehash) {
  const cost = Number(rounds);
  if (cost < 4 || cost > 15) return null;
  const hash = `$2b$${String(cost).padStart(2, '0')}$${salt}${digest}`;
  return (/** @type {string} */ password) => compare(prehash(password), hash);
}
