/**
 * More UTF-16 units than any allowed password can have: 256 code points of NFC decompose into at most four each.
 * Normalising is quadratic in a run of combining marks: a 64 KiB body would hold the event loop for two seconds.
 */
const MAX_UNITS = 2048;

/**
 * The one spelling of a password that everything here works on: NFC, so that the same characters typed on another
 * keyboard are the same password (NIST SP 800-63B-4, 3.1.1.2).
 * Null for what no password can be: far too long, or holding a lone surrogate, which UTF-8 cannot tell from U+FFFD.
 */
export function canonicalPassword(password: string): string | null {
  if (password.length > MAX_UNITS || /\p{Surrogate}/u.test(password)) return null;
  return password.normalize('NFC');
}
