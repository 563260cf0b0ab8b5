// Plain JavaScript, as all of this folder: the hashing threads load it straight from `src` under Jest.
import { timingSafeEqual } from 'node:crypto';

/** Checks a password; what `read` of a form answers for a hash within bounds. @typedef {(password: string) => boolean} Check */
/** @typedef {{ form: RegExp, read: (match: string[]) => Check | null }} Form */

/** Bytes that one check may take. */
export const MEMORY = 256 * 1024 * 1024;
export const BASE64 = '[A-Za-z0-9+/]+={0,2}';
/** Any text that Postgres keeps as it is, so neither NUL nor half of a character. */
export const SALT = '[^$\\p{Cc}\\p{Cs}]{1,128}';

/**
 * In constant time.
 * @param {Buffer} a
 * @param {Buffer} b
 */
export function same(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** passlib's base64 has a full stop for the plus. @param {string} text */
export function fromAdaptedBase64(text) {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}
