import { createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { type BadToken, b64, Forge, type Forgery, hmac, KID, refuseAll } from '../support/forge.js';

/**
 * The token says with what it is signed, and is lying: RFC 8725, 3.1 and 3.2; ASVS 5.0 V9.1.2 and V9.1.3;
 * CVE-2022-23540 (none), CVE-2023-48223 and CVE-2026-34950 (public key as HMAC secret), CVE-2026-44351 (empty key),
 * CVE-2026-22817 (the header's alg decides).
 */

const NONE = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\u0000', 'nοne'];
const OTHER = [
  'ES384',
  'ES512',
  'ES256K',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'HS256',
  'HS384',
  'HS512',
  'EdDSA',
  'es256',
  '',
];
const NOT_TEXT = [null, 0, 256, true, [], ['ES256'], {}];

function body(forgery: Forgery, header: unknown): string {
  return `${b64(JSON.stringify(header))}.${b64(JSON.stringify(forgery.claims()))}`;
}

const unsigned: BadToken[] = NONE.flatMap((alg): BadToken[] => [
  [`alg ${JSON.stringify(alg)} with the genuine signature`, (f) => f.withHeader({ ...f.forge.header, alg })],
  [`alg ${JSON.stringify(alg)} with an empty signature`, (f) => `${body(f, { ...f.forge.header, alg })}.`],
]);

const otherAlgorithms: BadToken[] = [...OTHER, ...NOT_TEXT].map((alg) => [
  `alg ${JSON.stringify(alg)} with the genuine signature`,
  (f) => f.withHeader({ ...f.forge.header, alg }),
]);

/** Every form in which the public key can be had, as the secret of an HMAC. */
function publicForms({ forge }: Forgery): Record<string, Buffer> {
  const key = forge.public;
  if (!key) throw new Error('There is no public key');
  const pem = key.export({ format: 'pem', type: 'spki' }) as string;
  const jwk = key.export({ format: 'jwk' });
  const point = Buffer.from(
    `04${Buffer.from(`${jwk.x}`, 'base64url').toString('hex')}${Buffer.from(`${jwk.y}`, 'base64url').toString('hex')}`,
    'hex',
  );
  return {
    PEM: Buffer.from(pem),
    'PEM without the last line break': Buffer.from(pem.trimEnd()),
    'PEM behind a space': Buffer.from(` ${pem}`),
    'PEM with CR LF': Buffer.from(pem.replaceAll('\n', '\r\n')),
    'the base64 of the PEM': Buffer.from(pem.replace(/-.*-|\n/g, '')),
    DER: key.export({ format: 'der', type: 'spki' }),
    JWK: Buffer.from(JSON.stringify(jwk)),
    'JWK as the JWKS has it': Buffer.from(JSON.stringify({ kty: jwk.kty, kid: KID, alg: 'ES256', use: 'sig', ...jwk })),
    'x of the JWK': Buffer.from(`${jwk.x}`),
    'the point': point,
  };
}

const FORMS = [
  'PEM',
  'PEM without the last line break',
  'PEM behind a space',
  'PEM with CR LF',
  'the base64 of the PEM',
  'DER',
  'JWK',
  'JWK as the JWKS has it',
  'x of the JWK',
  'the point',
];

const confused: BadToken[] = FORMS.flatMap((form): BadToken[] =>
  ['HS256', 'ES256'].map((alg) => [
    `alg ${alg}, an HMAC with the public key: ${form}`,
    (f) => {
      const input = body(f, { ...f.forge.header, alg });
      return `${input}.${b64(hmac(publicForms(f)[form] ?? Buffer.alloc(0), input))}`;
    },
  ]),
);

/** A key that is not the server's, of any kind. */
const stranger = new Forge('ES256');
const foreign: BadToken[] = [
  ['another P-256 key under the genuine kid', (f) => stranger.token(stranger.header, f.claims())],
  ['an RSA key under the genuine kid', (f) => new Forge('RS256').token(f.forge.header, f.claims())],
  [
    'an HMAC with an empty secret',
    (f) => {
      const input = body(f, { ...f.forge.header, alg: 'HS256' });
      return `${input}.${b64(hmac(createSecretKey(Buffer.from('')), input))}`;
    },
  ],
  [
    'a P-384 key, ES384',
    (f) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      const input = body(f, { ...f.forge.header, alg: 'ES384' });
      return `${input}.${b64(sign('sha384', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }))}`;
    },
  ],
  [
    'an Ed25519 key, EdDSA',
    (f) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const input = body(f, { ...f.forge.header, alg: 'EdDSA' });
      return `${input}.${b64(sign(null, Buffer.from(input), privateKey))}`;
    },
  ],
  [
    'the genuine key, the signature as DER instead of r and s',
    (f) => {
      const input = body(f, f.forge.header);
      return `${input}.${b64(sign('sha256', Buffer.from(input), f.forge.secret))}`;
    },
  ],
  [
    'the genuine key over SHA-512',
    (f) => {
      const input = body(f, f.forge.header);
      return `${input}.${b64(sign('sha512', Buffer.from(input), { key: f.forge.secret, dsaEncoding: 'ieee-p1363' }))}`;
    },
  ],
  // CVE-2022-21449: a signature of zeros.
  ['r and s of zero', (f) => `${body(f, f.forge.header)}.${b64(Buffer.alloc(64))}`],
];

/** RFC 8725, 3.10; the id is looked up in a Map, so nothing in it can reach a file, a query or a prototype. */
const KIDS = [
  'unknown',
  '',
  '0',
  ' held-by-the-test',
  'held-by-the-test ',
  'HELD-BY-THE-TEST',
  'held-by-the-test\u0000',
  '../../../../dev/null',
  '/dev/null',
  'file:///dev/null',
  "' OR '1'='1",
  "held-by-the-test' --",
  'held-by-the-test"; DROP TABLE signing_keys; --',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '$(id)',
  '|id',
  'http://127.0.0.1/key',
  '𝟎',
];
const kids: BadToken[] = [...KIDS, null, 0, true, [], [KID], {}, { toString: KID }].map((kid) => [
  `kid ${JSON.stringify(kid)}`,
  (f) => f.withHeader({ ...f.forge.header, kid }),
]);
const noKid: BadToken = ['no kid', (f) => f.withHeader({ alg: 'ES256', typ: 'at+jwt' })];
const noAlg: BadToken = ['no alg', (f) => f.withHeader({ kid: KID, typ: 'at+jwt' })];

refuseAll({
  'a token that is not signed': unsigned,
  'a token of another algorithm': [...otherAlgorithms, noAlg],
  'a token signed with a secret that is not the key': [...confused, ...foreign],
  'a token of a key that there is not': [...kids, noKid],
});
