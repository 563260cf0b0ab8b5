import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { SigningAlgorithm } from '../platform/config/signing-key.js';
import { exportSecret, generateSecret, importSecret, toPublicJwk, toSigningKey } from './signing-key.js';

const PUBLIC = { ES256: ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'], RS256: ['alg', 'e', 'kid', 'kty', 'n', 'use'] };

test.each<SigningAlgorithm>(['ES256', 'RS256', 'HS256'])('%s: is stored and read back as the same key', async (alg) => {
  const secret = await generateSecret(alg);
  const back = importSecret(alg, exportSecret(secret));
  expect(back?.equals(secret)).toBe(true);
  expect((await generateSecret(alg)).equals(secret)).toBe(false);
});

test.each(['ES256', 'RS256'] as const)('%s: what is published verifies, and holds nothing private', async (alg) => {
  const key = toSigningKey('k', alg, await generateSecret(alg), 5);
  const jwk = toPublicJwk(key);
  expect(Object.keys(jwk ?? {}).sort()).toEqual(PUBLIC[alg]);
  expect(jwk).toMatchObject({ kid: 'k', alg, use: 'sig' });
  const signature = sign('sha256', Buffer.from('x'), key.secret);
  expect(verify('sha256', Buffer.from('x'), createPublicKey({ key: jwk as never, format: 'jwk' }), signature)).toBe(
    true,
  );
  expect(key).toMatchObject({ signsFrom: 5, verifier: expect.objectContaining({ type: 'public' }) });
});

test.each<[SigningAlgorithm, SigningAlgorithm]>([
  ['ES256', 'RS256'],
  ['RS256', 'ES256'],
  ['HS256', 'ES256'],
])('stored as %s it is no key for %s, whatever its row says', async (made, said) => {
  expect(importSecret(said, exportSecret(await generateSecret(made)))).toBeNull();
});

test('what was stored unfit is no key', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  expect(importSecret('RS256', exportSecret(weak))).toBeNull();
  expect(importSecret('HS256', Buffer.alloc(64))).toBeNull();
  expect(importSecret('ES256', Buffer.from('x'))).toBeNull();
});

test('RSA keys have 3072 bits, and shared secrets 64 bytes (ASVS 5.0 V11.2.3)', async () => {
  expect((await generateSecret('RS256')).asymmetricKeyDetails?.modulusLength).toBe(3072);
  expect(exportSecret(await generateSecret('HS256'))).toHaveLength(64);
});

test('a shared secret is never published', async () => {
  expect(toPublicJwk(toSigningKey('k', 'HS256', await generateSecret('HS256'), 0))).toBeNull();
});
