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

const otherEc = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const ONE = 'AQ';
/** The point of P-256 to which 1 belongs. */
const generator = {
  d: Buffer.alloc(32, 0).fill(1, 31).toString('base64url'),
  x: Buffer.from('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', 'hex').toString('base64url'),
  y: Buffer.from('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5', 'hex').toString('base64url'),
};

test('exponents and operations that are fine', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 0x1_00_01 + 2 * 100 + 4 });
  expect(parse({ ...privateKey.export({ format: 'jwk' }), kid: 'k' })).toMatchObject({ alg: 'RS256' });
  expect(parse({ ...ec, key_ops: ['sign'], ext: true })).toMatchObject({ alg: 'ES256' });
  expect(parse({ ...oct, key_ops: ['verify', 'sign'] })).toMatchObject({ alg: 'HS256' });
});

test.each<[string, unknown, RegExp]>([
  [
    'e = 1, with which anybody signs',
    { ...rsa, e: ONE, d: ONE, dp: ONE, dq: ONE },
    /odd exponent "e" of 65537 or more/,
  ],
  ['e = 1 beside another d', { ...rsa, e: ONE }, /exponent/],
  ['e of 33 bits, which Go reads none of', { ...rsa, e: 'AQAAAAE' }, /exponent "e" that others can read/],
  ['e = 3', { ...rsa, e: 'Aw' }, /exponent/],
  ['an even e', { ...rsa, e: 'AQAC' }, /exponent/],
  ['the n of another key', { ...rsa, n: otherRsa.n }, /one whole pair/],
  ['the d of another key', { ...rsa, d: otherRsa.d }, /one whole pair/],
  ['the dp of another key', { ...rsa, dp: otherRsa.dp }, /one whole pair/],
  ['the qi of another key', { ...rsa, qi: otherRsa.qi }, /one whole pair/],
  ['the primes of another key', { ...rsa, p: otherRsa.p, q: otherRsa.q }, /one whole pair/],
  ['no prime but n itself', { ...rsa, p: rsa.n, q: ONE }, /one whole pair/],
  ['no primes', without(rsa, 'p', 'q', 'dp', 'dq', 'qi'), /members p, q, dp, dq, qi/],
  ['1024 bits', small, /2048 bits or more, and has 1024/],
  ['the public half of another EC key', { ...ec, x: otherEc.x, y: otherEc.y }, /does not fit/],
  ['the private half of another EC key', { ...ec, d: otherEc.d }, /does not fit/],
  ['d = 1', { ...ec, ...generator }, /easily found out/],
  ['use: enc', { ...ec, use: 'enc' }, /"use" of something else/],
  ['a use that is no text', { ...ec, use: ['sig'] }, /"use" of something else/],
  ['key_ops without sign', { ...ec, key_ops: ['verify'] }, /"key_ops" without "sign"/],
  ['no key_ops', { ...ec, key_ops: [] }, /"key_ops" without "sign"/],
  ['key_ops that are no list', { ...ec, key_ops: 'sign' }, /"key_ops" without "sign"/],
  ['a secret that may not verify', { ...oct, key_ops: ['sign'] }, /without "sign" and "verify"/],
  ['a secret that repeats itself', { ...oct, k: Buffer.alloc(48, 'x7').toString('base64url') }, /must be random/],
  ['a member twice', JSON.stringify(ec).replace('{', '{"kid":"j",'), /each member once/],
])('%s is refused with a sentence of its own', (_name, jwk, sentence) => {
  expect(() => parse(jwk)).toThrow(sentence);
});

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
