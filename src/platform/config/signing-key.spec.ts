import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { parseSigningKey } from './signing-key.js';

type Jwk = Record<string, unknown>;
const ec: Jwk = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  kid: 'k',
};
const rsa: Jwk = {
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: 'k',
};
const oct: Jwk = { kty: 'oct', k: randomBytes(32).toString('base64url'), kid: 'k' };

const parse = (jwk: unknown) => parseSigningKey(typeof jwk === 'string' ? jwk : JSON.stringify(jwk));

test.each([
  ['ES256', ec],
  ['RS256', rsa],
  ['HS256', oct],
])('%s', (alg, jwk) => {
  expect(parse(jwk)).toMatchObject({ kid: 'k', alg });
  expect(parse({ ...jwk, alg, use: 'sig' })).toMatchObject({ alg });
});

const small: Jwk = {
  ...generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' }),
  kid: 'k',
};
const p384: Jwk = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }),
  kid: 'k',
};
const ed: Jwk = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid: 'k' };
const without = (jwk: Jwk, ...members: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !members.includes(name)));

test.each<[string, unknown]>([
  ['nothing', ''],
  ['no JSON', 'a key'],
  ['a PEM', '-----BEGIN PRIVATE KEY-----'],
  ['a list of keys', [ec]],
  ['a JWKS', { keys: [ec] }],
  ['no kid', without(ec, 'kid')],
  ['an empty kid', { ...ec, kid: '' }],
  ['a kid that is a path', { ...ec, kid: '../x' }],
  ['a kid that is a number', { ...ec, kid: 1 }],
  ['a kid that is too long', { ...ec, kid: 'k'.repeat(129) }],
  ['a public EC key', without(ec, 'd')],
  ['a public RSA key', without(rsa, 'd', 'p', 'q', 'dp', 'dq', 'qi')],
  ['an EC key on another curve', p384],
  ['an EC key off its curve', { ...ec, x: ec.y, y: ec.x }],
  ['an Ed25519 key', ed],
  ['an RSA key of 1024 bits (ASVS 5.0 V11.2.3)', small],
  ['an RSA key with a broken number', { ...rsa, n: '!' }],
  ['a secret of 31 bytes (RFC 7518, 3.2)', { ...oct, k: randomBytes(31).toString('base64url') }],
  ['an empty secret (CVE-2026-44351)', { ...oct, k: '' }],
  ['no secret', without(oct, 'k')],
  ['a secret that is a number', { ...oct, k: 1 }],
  ['the alg of another key (RFC 8725, 3.1)', { ...ec, alg: 'HS256' }],
  ['alg none', { ...ec, alg: 'none' }],
  ['an alg that is no text', { ...ec, alg: ['ES256'] }],
  ['an unknown kty', { kty: 'none', kid: 'k', d: 'x' }],
])('refused, in words that hold nothing of the key: %s', (_name, jwk) => {
  let said = '';
  try {
    parse(jwk);
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toMatch(/^(must|needs|says|is) /);
  for (const secret of [ec.d, rsa.d, oct.k, small.d]) expect(said).not.toContain(String(secret));
});
