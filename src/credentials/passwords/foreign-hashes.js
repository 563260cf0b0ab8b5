// Plain JavaScript, because the hashing threads load it straight from `src` under Jest and from `dist` when built.
import { ARGON2_FORM } from './foreign/argon2-form.js';
import { BCRYPT_FORMS } from './foreign/bcrypt-forms.js';
import { DIGEST_FORMS } from './foreign/digest-forms.js';
import { PBKDF2_FORMS } from './foreign/pbkdf2-forms.js';
import { SCRYPT_FORMS } from './foreign/scrypt-forms.js';

/**
 * Password hashes brought along from other software, each with bounds, so that no imported hash holds a thread for
 * longer than about a second or takes more than 256 MiB. What is out of bounds counts as no hash at all.
 */

const LONGEST_HASH = 1024;
const FORMS = [...BCRYPT_FORMS, ARGON2_FORM, ...SCRYPT_FORMS, ...PBKDF2_FORMS, ...DIGEST_FORMS];

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
  for (const { form, read } of FORMS) {
    const match = form.exec(hash);
    if (match) return read([...match]);
  }
  return null;
}
