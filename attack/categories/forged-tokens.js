import { createPublicKey } from 'node:crypto';
import { b64, ownKey, readToken, withMac, withOwnKey, withSignature } from '../forge.js';
import { must, mustRefuse, Skipped } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */

export const category = 'access token forgery';

/** How many single bits are flipped in each part of a token. */
const FLIPS = 12;
const NONE = ['none', 'None', 'NONE', 'nOnE', 'none ', ''];

/** @param {Context} context */
async function algNone(context) {
  await refuseAll(context, ({ header, claims, signature }) =>
    NONE.flatMap((alg) => ['', signature].map((end) => withSignature({ ...header, alg }, claims, end))),
  );
}

/** Algorithm confusion: the public key as the secret of an HMAC, in each way that a library may have read it. @param {Context} context */
async function publicKeyAsSecret(context) {
  const { body } = await context.target.call('GET', '/.well-known/jwks.json');
  const keys = Array.isArray(body.keys) ? body.keys : [];
  if (keys.length === 0) throw new Skipped('The server publishes no key to be confused with.');
  await refuseAll(context, ({ header, claims }) =>
    keys.flatMap((/** @type {Record<string, string>} */ jwk) =>
      secretsOf(jwk).flatMap((secret) =>
        [header, { ...header, kid: jwk.kid }].map((one) => withMac({ ...one, alg: 'HS256' }, claims, secret)),
      ),
    ),
  );
}

/** @param {Record<string, string>} jwk */
function secretsOf(jwk) {
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const pem = key.export({ format: 'pem', type: 'spki' }).toString();
  const der = key.export({ format: 'der', type: 'spki' });
  const numbers = [jwk.x, jwk.y, jwk.n].filter((part) => part !== undefined);
  return [
    pem,
    pem.trim(),
    der,
    der.toString('base64'),
    JSON.stringify(jwk),
    ...numbers,
    Buffer.concat(numbers.map((part) => Buffer.from(part, 'base64url'))),
  ];
}

/** Headers that name a key of ours, or a file of theirs. @param {Context} context */
async function headers(context) {
  const jwk = ownKey.publicKey.export({ format: 'jwk' });
  const der = ownKey.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const extras = [
    {},
    { jwk },
    { jwk: { ...jwk, kid: 'own' }, kid: 'own' },
    { jku: 'http://127.0.0.1:9/jwks.json' },
    { x5u: 'http://127.0.0.1:9/cert.pem' },
    { x5c: [der] },
    { crit: ['exp'] },
    { crit: ['b64'], b64: false },
    { typ: 'JWT' },
    { typ: undefined },
    { cty: 'JWT' },
    { zip: 'DEF' },
    { kid: undefined },
    { kid: 'unknown' },
    { kid: "' UNION SELECT 'secret' --" },
  ];
  await refuseAll(context, ({ header, claims, signature }) => [
    ...extras.map((extra) => withOwnKey({ ...header, alg: 'ES256', ...extra }, claims)),
    ...extras.slice(1).map((extra) => withSignature({ ...header, ...extra }, claims, signature)),
    ...['../../../../dev/null', '/dev/null', ''].map((kid) => withMac({ ...header, alg: 'HS256', kid }, claims, '')),
    ...['', 'secret', 'changeme', String(header.kid)].map((key) => withMac({ ...header, alg: 'HS256' }, claims, key)),
  ]);
}

/** @param {Context} context */
async function bitFlips(context) {
  await refuseAll(context, ({ token }) => {
    const parts = token.split('.');
    return parts.flatMap((part, index) =>
      Array.from({ length: FLIPS }, (_, flip) => {
        const bytes = Buffer.from(part, 'base64url');
        const at = Math.floor((flip * bytes.length) / FLIPS);
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (flip % 8)), at);
        return parts.toSpliced(index, 1, b64(bytes)).join('.');
      }),
    );
  });
}

/** Other claims under the genuine signature. @param {Context} context */
async function changedClaims(context) {
  const other = readToken((await context.bob.signIn()).accessToken);
  await refuseAll(context, ({ header, claims, signature }) =>
    [
      { roles: ['admin'] },
      { sub: other?.claims.sub },
      { sub: other?.claims.sub, sid: other?.claims.sid },
      { exp: 4_102_444_800 },
      { exp: undefined },
      { aud: undefined },
      { iss: 'https://evil.example' },
    ].map((change) => withSignature(header, { ...claims, ...change }, signature)),
  );
}

/** The same bytes in other spellings, and tokens with a part too few or too many. @param {Context} context */
async function otherSpellings(context) {
  await refuseAll(context, ({ token }) => {
    const [header, claims, signature] = token.split('.');
    return [
      `${token}=`,
      `${token}==`,
      `${token}.`,
      `${token}.${signature}`,
      `${header}.${claims}.`,
      `${header}.${claims}`,
      `${header}..${signature}`,
      `${header}.${claims}.${signature?.slice(0, -4)}`,
      `${token}${'A'.repeat(9000)}`,
    ];
  });
}

/**
 * Makes tokens out of a genuine one and sees each refused. The genuine one must be taken before and after, or the
 * refusals would prove nothing.
 * @param {Context} context
 * @param {(genuine: { token: string, header: any, claims: any, signature: string }) => string[]} forge
 */
async function refuseAll({ target, alice }, forge) {
  const { accessToken: token } = await alice.signIn();
  const read = readToken(token);
  if (read === null) throw new Skipped('Its access tokens are no JWTs.');
  const session = (/** @type {string} */ bearer) => target.call('GET', '/v1/auth/session', { token: bearer });
  const genuine = async () => (await session(token)).status === 200;
  if (!(await genuine())) throw new Skipped('It does not take its own access token.');
  for (const forged of forge({ token, ...read, signature: token.split('.')[2] ?? '' }))
    mustRefuse(await session(forged), `A token with header ${headerOf(forged)}`, [400, 401, 431]);
  must(await genuine(), 'The genuine token is refused after the forged ones: anybody can sign its owner out.');
}

/** @param {string} forged */
function headerOf(forged) {
  return Buffer.from(forged.split('.')[0] ?? '', 'base64url')
    .toString()
    .slice(0, 120);
}

export const attacks = {
  'alg none, in every spelling': algNone,
  'HMAC keyed with the public key': publicKeyAsSecret,
  'headers that bring or name another key': headers,
  'single flipped bits': bitFlips,
  'other claims under a genuine signature': changedClaims,
  'other spellings of the same bytes': otherSpellings,
};
