import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto';

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
  const { alg, key } = importKey(jwk);
  if (jwk.alg !== undefined && jwk.alg !== alg)
    throw new Error(`says "alg": "${String(jwk.alg)}", but is a key for ${alg}`);
  return { kid, alg, key };
}

function parseJwk(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // said below: the text itself is a secret and must not stand in a message
  }
  throw new Error('must be one private JWK as JSON');
}

function importKey(jwk: Record<string, unknown>): { alg: SigningAlgorithm; key: KeyObject } {
  if (jwk.kty === 'oct') return { alg: 'HS256', key: importSecret(jwk.k) };
  if (typeof jwk.d !== 'string') throw new Error('must be a private JWK: member "d" is missing');
  const key = importPrivate(jwk);
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return { alg: 'ES256', key };
  if (key.asymmetricKeyType === 'rsa' && (modulusLength ?? 0) >= 2048) return { alg: 'RS256', key };
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
  return createSecretKey(secret);
}
