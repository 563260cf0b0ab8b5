import { createHash, createHmac } from 'node:crypto';
import { BASE64, SALT, same } from './bounds.js';

const MOST_HMACS = 500_000;
/** phpass counts in powers of two. */
const MOST_MD5S = 2 ** 20;
/** @type {Record<string, [digest: string, length: number]>} */
const LDAP = { MD5: ['md5', 16], SHA: ['sha1', 20], SHA256: ['sha256', 32], SHA512: ['sha512', 64] };
const ITOA64 = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** @type {import('./bounds.js').Form[]} */
export const DIGEST_FORMS = [
  // The package `password-hash` of npm: HMAC over the hexadecimal text of the round before.
  {
    form: new RegExp(`^(md5|sha1|sha256|sha512)\\$(${SALT})\\$(\\d{1,6})\\$([0-9a-f]{32,128})$`, 'u'),
    read: readPasswordHash,
  },
  // Django's of long ago: the digest of salt and password.
  {
    form: new RegExp(`^(md5|sha1)\\$(${SALT})\\$([0-9a-f]{32}|[0-9a-f]{40})$`, 'u'),
    read: ([, digest = '', salt = '', hash = '']) => {
      if (hash.length !== (digest === 'md5' ? 32 : 40)) return null;
      return (password) =>
        same(
          createHash(digest)
            .update(salt + password)
            .digest(),
          Buffer.from(hash, 'hex'),
        );
    },
  },
  // LDAP (RFC 2307): the digest of password and salt, then the salt. WordPress's plain MD5 is written so too.
  {
    form: new RegExp(`^\\{S?(MD5|SHA|SHA256|SHA512)\\}(${BASE64})$`),
    read: readLdap,
  },
  // phpass, of WordPress before 6.8 and of phpBB.
  { form: /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})$/, read: readPhpass },
];

/** @param {string[]} match */
function readPasswordHash([, digest = '', salt = '', iterations, hash = '']) {
  const rounds = Number(iterations);
  const length = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }[digest];
  if (rounds < 1 || rounds > MOST_HMACS || hash.length !== length) return null;
  return (/** @type {string} */ password) => {
    let text = password;
    for (let round = 0; round < rounds; round++) text = createHmac(digest, salt).update(text).digest('hex');
    return same(Buffer.from(text), Buffer.from(hash));
  };
}

/** @param {string[]} match */
function readLdap([hash = '', scheme = '', value = '']) {
  const [digest = '', length = 0] = LDAP[scheme] ?? [];
  const bytes = Buffer.from(value, 'base64');
  const isSalted = hash.startsWith('{SS') || hash.startsWith('{SM');
  const [expected, salt] = [bytes.subarray(0, length), bytes.subarray(length)];
  if (expected.length < length || salt.length > 64 || salt.length > 0 !== isSalted) return null;
  return (/** @type {string} */ password) => same(createHash(digest).update(password).update(salt).digest(), expected);
}

/** @param {string[]} match */
function readPhpass([, count = '', salt = '', hash = '']) {
  const rounds = 2 ** ITOA64.indexOf(count);
  if (rounds < 2 ** 7 || rounds > MOST_MD5S) return null;
  return (/** @type {string} */ password) => {
    let bytes = createHash('md5').update(salt).update(password).digest();
    for (let round = 0; round < rounds; round++) bytes = createHash('md5').update(bytes).update(password).digest();
    return same(Buffer.from(phpassText(bytes)), Buffer.from(hash));
  };
}

/** phpass's own base64: the lowest six bits first. @param {Buffer} bytes */
function phpassText(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = [bytes[at], bytes[at + 1], bytes[at + 2]].filter((byte) => byte !== undefined);
    let bits = group.reduce((sum, byte, place) => sum | (byte << (8 * place)), 0);
    for (let letter = 0; letter <= group.length; letter++, bits >>= 6) text += ITOA64[bits & 63];
  }
  return text;
}
