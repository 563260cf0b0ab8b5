import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { parseSigningKey, type SigningAlgorithm } from '../platform/config/signing-key.js';

const makePair = promisify(generateKeyPair);

/** A key in use. One key has one algorithm (RFC 8725, 3.1). */
export interface SigningKey {
  kid: string;
  alg: SigningAlgorithm;
  /** Signs. */
  secret: KeyObject;
  /** Verifies; for HS256 the same secret. */
  verifier: KeyObject;
  /** From when it signs, milliseconds since the epoch. */
  signsFrom: number;
}

/** The public form of a key as JWKS publishes it (RFC 7517). A shared secret has none. */
export interface PublicJwk {
  kty: string;
  kid: string;
  alg: SigningAlgorithm;
  use: 'sig';
  [member: string]: string;
}

/** Makes the secret half of a new key: P-256, RSA with 3072 bits, or 64 random bytes. */
export async function generateSecret(alg: SigningAlgorithm): Promise<KeyObject> {
  if (alg === 'ES256') return (await makePair('ec', { namedCurve: 'P-256' })).privateKey;
  if (alg === 'RS256') return (await makePair('rsa', { modulusLength: 3072 })).privateKey;
  return createSecretKey(randomBytes(64));
}

/** The bytes of a secret half, to be sealed. */
export function exportSecret(secret: KeyObject): Buffer {
  return secret.type === 'secret' ? secret.export() : secret.export({ format: 'der', type: 'pkcs8' });
}

/**
 * Reads what exportSecret wrote. Null for a text that holds no key for this algorithm, or does not sign for itself: the column that
 * names the algorithm is not sealed.
 */
export function importSecret(alg: SigningAlgorithm, bytes: Buffer): KeyObject | null {
  try {
    const jwk = alg === 'HS256' ? secretJwk(bytes) : privateJwk(bytes);
    const { key, alg: own } = parseSigningKey(JSON.stringify({ ...jwk, kid: 'stored' }));
    return own === alg ? key : null;
  } catch {
    return null;
  }
}

function secretJwk(bytes: Buffer) {
  return { kty: 'oct', k: bytes.toString('base64url') };
}

function privateJwk(bytes: Buffer) {
  return createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
}

/** Puts a secret half and what is known of it together. */
export function toSigningKey(kid: string, alg: SigningAlgorithm, secret: KeyObject, signsFrom: number): SigningKey {
  return { kid, alg, secret, verifier: alg === 'HS256' ? secret : createPublicKey(secret), signsFrom };
}

/** The key as JWKS publishes it, or null for HS256. */
export function toPublicJwk({ kid, alg, verifier }: SigningKey): PublicJwk | null {
  if (verifier.type !== 'public') return null;
  const { kty = '', ...members } = verifier.export({ format: 'jwk' }) as Record<string, string>;
  return { kty, kid, alg, use: 'sig', ...members };
}
