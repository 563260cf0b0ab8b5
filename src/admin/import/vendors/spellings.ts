/** Hashes that a vendor keeps in parts or in a form of its own, in the spelling in which others are known here. */

/** An MD5 in hexadecimal as LDAP has it; undefined for what is none. */
export function ldapMd5(hash = ''): string | undefined {
  return /^[0-9a-f]{32}$/i.test(hash) ? `{MD5}${Buffer.from(hash, 'hex').toString('base64')}` : undefined;
}

/** PBKDF2 as passlib has it, of a salt and a hash in base64. */
export function passlibPbkdf2(digest: string, iterations: number | string, salt: string, hash: string): string {
  const dotted = (base64: string) => unpadded(base64).replaceAll('+', '.');
  return `$pbkdf2-${digest}$${iterations}$${dotted(salt)}$${dotted(hash)}`;
}

/** Base64 without the signs that fill it up. */
export function unpadded(base64: string): string {
  return base64.replace(/=+$/, '');
}
