import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject, sign, verify } from 'node:crypto';
import { parseStrictJson } from '../common/strict-json.js';
import { faultOfRsa } from './rsa-key.js';

export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'HS256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A key that the operator brought, checked. */
export interface ProvidedSigningKey {
  kid: string;
  alg: SigningAlgorithm;
  key: KeyObject;
}

/**
 * Reads `JWT_SIGNING_KEY`: a private JWK (RFC 7517) with a `kid`.
 * The key decides its algorithm, never the other way round (RFC 8725, 3.1). Throws an Error whose message names the fault.
 */
export function parseSigningKey(text: string): ProvidedSigningKey {
  const jwk = parseJwk(text);
  const kid = jwk.kid;
  if (typeof kid !== 'string' || !/^[\w.-]{1,128}$/.test(kid))
    throw new Error('needs a "kid" of letters, digits, . _ -');
  refuseOtherUse(jwk);
  const { alg, key } = importKey(jwk);
  if (jwk.alg !== undefined && jwk.alg !== alg)
    throw new Error(`says "alg": "${String(jwk.alg)}", but is a key for ${alg}`);
  if (!signsForItself(key)) throw new Error('must be one whole pair: its private half does not fit its public one');
  return { kid, alg, key };
}

/** Whether what a key signs verifies with its own public half, as those who read its JWKS do. A secret has no halves. */
function signsForItself(key: KeyObject): boolean {
  if (key.type === 'secret') return true;
  const text = Buffer.from('gatehouse');
  try {
    return verify('sha256', text, createPublicKey(key), sign('sha256', text, key));
  } catch {
    return false;
  }
}

/** RFC 7517, 4.2 and 4.3: a key says what it is for, and one for encryption signs nothing. */
function refuseOtherUse({ use, key_ops: operations, kty }: Record<string, unknown>): void {
  if (use !== undefined && use !== 'sig') throw new Error('says "use" of something else than "sig"');
  if (operations === undefined) return;
  // A shared secret verifies too; the public half of a pair has operations of its own.
  const needed = kty === 'oct' ? ['sign', 'verify'] : ['sign'];
  if (!Array.isArray(operations) || !needed.every((operation) => operations.includes(operation)))
    throw new Error(`says "key_ops" without ${needed.map((operation) => `"${operation}"`).join(' and ')}`);
}

function parseJwk(text: string): Record<string, unknown> {
  try {
    // A member that stands twice is another key to another reader.
    const value: unknown = parseStrictJson(text);
    if (value && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // said below: the text itself is a secret and must not stand in a message
  }
  throw new Error('must be one private JWK as JSON, each member once');
}

function importKey(jwk: Record<string, unknown>): { alg: SigningAlgorithm; key: KeyObject } {
  if (jwk.kty === 'oct') return { alg: 'HS256', key: importSecret(jwk.k) };
  if (typeof jwk.d !== 'string') throw new Error('must be a private JWK: member "d" is missing');
  const fault = jwk.kty === 'RSA' ? faultOfRsa(jwk) : null;
  if (fault !== null) throw new Error(fault);
  const key = importPrivate(jwk);
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    // One key in 2^64 is so small by chance; all others were made up.
    if (/^A{10}/.test(jwk.d)) throw new Error('must be random: its "d" is easily found out');
    return { alg: 'ES256', key };
  }
  if (key.asymmetricKeyType === 'rsa') return { alg: 'RS256', key };
  throw new Error('must be an EC key on P-256, an RSA key of 2048 bits or more, or an oct key of 32 bytes or more');
}

function importPrivate(jwk: Record<string, unknown>): KeyObject {
  try {
    return createPrivateKey({ key: jwk as never, format: 'jwk' });
  } catch {
    throw new Error('is not a JWK that can be read');
  }
}

function importSecret(k: unknown): KeyObject {
  const secret = typeof k === 'string' ? Buffer.from(k, 'base64url') : Buffer.alloc(0);
  // RFC 7518, 3.2: a key of the size of the hash output or larger.
  if (secret.length < 32) throw new Error('is an oct key of fewer than 32 bytes');
  if (new Set(secret).size < 10) throw new Error('must be random: this oct key repeats a few bytes');
  return createSecretKey(secret);
}
