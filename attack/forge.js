import { createHmac, generateKeyPairSync, sign } from 'node:crypto';

/** @param {string | Buffer} value */
export const b64 = (value) => Buffer.from(value).toString('base64url');

/** A key that the server under attack has never seen. */
export const ownKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/**
 * The header and the claims of a genuine access token.
 * @param {string} token
 */
export function readToken(token) {
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  try {
    return { header: JSON.parse(header ?? ''), claims: JSON.parse(claims ?? '') };
  } catch {
    return null;
  }
}

/** @param {object} header @param {object} claims */
const signingInput = (header, claims) => `${b64(JSON.stringify(header))}.${b64(JSON.stringify(claims))}`;

/** A token under an HMAC. @param {object} header @param {object} claims @param {string | Buffer} secret */
export function withMac(header, claims, secret) {
  const input = signingInput(header, claims);
  return `${input}.${b64(createHmac('sha256', secret).update(input).digest())}`;
}

/** A token signed with our own key (ES256). @param {object} header @param {object} claims */
export function withOwnKey(header, claims) {
  const input = signingInput(header, claims);
  return `${input}.${b64(sign('sha256', Buffer.from(input), { key: ownKey.privateKey, dsaEncoding: 'ieee-p1363' }))}`;
}

/** A token with any third part. @param {object} header @param {object} claims @param {string} signature */
export function withSignature(header, claims, signature) {
  return `${signingInput(header, claims)}.${signature}`;
}
