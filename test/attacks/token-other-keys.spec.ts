import { type Algorithm, type BadToken, b64, Forge, hmac, refuseAll } from '../support/forge.js';

/** The same lies told to a server whose key is a shared secret or an RSA key (RFC 8725, 3.1 and 3.2; ASVS 5.0 V9.1.2). */

function lies(alg: Algorithm, others: string[]): BadToken[] {
  const stranger = new Forge(alg);
  return [
    ...others.map(
      (other): BadToken => [
        `alg ${other} with the genuine signature`,
        (f) => f.withHeader({ ...f.forge.header, alg: other }),
      ],
    ),
    ['no signature', (f) => f.genuine.replace(/[^.]+$/, '')],
    ['a signature cut short', (f) => f.genuine.slice(0, -4)],
    ['another key of the kind', (f) => stranger.token(stranger.header, f.claims())],
    ['a P-256 key', (f) => new Forge('ES256').token(f.forge.header, f.claims())],
    ['an HMAC with an empty secret', (f) => f.withHeader(f.forge.header).replace(/[^.]+$/, b64(hmac('', 'x')))],
    ['an HMAC with the kid as the secret', (f) => withMac(f.genuine, 'held-by-the-test')],
    ['an HMAC with the issuer as the secret', (f) => withMac(f.genuine, 'http://gatehouse.test')],
    ['an HMAC with the text undefined as the secret', (f) => withMac(f.genuine, 'undefined')],
    ['expired', (f) => f.withClaims({ iat: 1_700_000_000, exp: 1_700_000_900 })],
    ['no exp', (f) => f.withClaims({ exp: undefined })],
    ['aud of another service', (f) => f.withClaims({ aud: 'other' })],
    ['an unknown kid', (f) => f.withHeader({ ...f.forge.header, kid: 'other' })],
    ['typ JWT', (f) => f.withHeader({ ...f.forge.header, typ: 'JWT' })],
    [
      'roles of somebody else under the old signature',
      (f) => f.genuine.replace(/\.[^.]+\./, `.${b64(JSON.stringify(f.claims({ roles: ['admin'] })))}.`),
    ],
  ];
}

function withMac(token: string, secret: string): string {
  const input = token.split('.').slice(0, 2).join('.');
  return `${input}.${b64(hmac(secret, input))}`;
}

const rsaAsSecret: BadToken[] = (['pem', 'der'] as const).map((format) => [
  `HS256 with the RSA public key as its secret: ${format}`,
  (f) => {
    const secret = f.forge.public?.export({ format: format as 'der', type: 'spki' }) ?? '';
    const input = `${b64(JSON.stringify({ ...f.forge.header, alg: 'HS256' }))}.${b64(f.part(1))}`;
    return `${input}.${b64(hmac(secret, input))}`;
  },
]);

describe('a server with a shared secret', () => {
  const forgery = refuseAll(
    { 'a lie about HS256': lies('HS256', ['none', 'HS384', 'HS512', 'ES256', 'RS256']) },
    'HS256',
  );
  test('publishes nothing of it', async () => {
    const { body, text } = await forgery().gatehouse.call<{ keys: unknown[] }>('GET', '/.well-known/jwks.json');
    expect(body.keys).toEqual([]);
    expect(text).not.toContain(String(forgery().forge.secret.export({ format: 'jwk' }).k));
  });
});

describe('a server with an RSA key', () => {
  const forgery = refuseAll(
    { 'a lie about RS256': [...lies('RS256', ['none', 'RS384', 'RS512', 'PS256', 'HS256', 'ES256']), ...rsaAsSecret] },
    'RS256',
  );
  test('publishes its public half and no more', async () => {
    const { body } = await forgery().gatehouse.call<{ keys: object[] }>('GET', '/.well-known/jwks.json');
    expect(body.keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'e', 'kid', 'kty', 'n', 'use']]);
  });
});
