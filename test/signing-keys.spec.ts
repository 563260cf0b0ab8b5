import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { refresh, signIn, signUp, verdict } from './support/people.js';

/** The keys: of each algorithm, of our making or brought along, published as JWKS and nowhere readable. */
const ISSUER = 'http://gatehouse.test';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database?.drop());

/** Runs `work` against a server with these settings, and stops it. */
async function serving<T>(env: Record<string, string>, work: (gatehouse: GatehouseProcess) => Promise<T>): Promise<T> {
  const gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, ...env });
  try {
    return await work(gatehouse);
  } finally {
    await gatehouse.stop();
  }
}

const jwksOf = (gatehouse: GatehouseProcess) => gatehouse.call<JSONWebKeySet>('GET', '/.well-known/jwks.json');
const partOf = (token: string, at: number) =>
  JSON.parse(Buffer.from(token.split('.')[at] ?? '', 'base64url').toString());

/** Verifies as a service of somebody else would, by the published keys alone. */
async function verifyElsewhere(gatehouse: GatehouseProcess, token: string) {
  const keys = createLocalJWKSet((await jwksOf(gatehouse)).body);
  return jwtVerify(token, keys, { issuer: ISSUER, audience: 'gatehouse', typ: 'at+jwt' });
}

/** The private members of a JWK of any kind (RFC 7518, 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

describe.each([
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['RS256', { kty: 'RSA', e: 'AQAB' }],
])('%s, made here', (alg, members) => {
  let own: TestDatabase;
  let gatehouse: GatehouseProcess;
  beforeAll(async () => {
    own = await createDatabase();
    gatehouse = await GatehouseProcess.start({ DATABASE_URL: own.url, JWT_ALG: alg });
  });
  afterAll(async () => {
    await gatehouse?.stop();
    await own?.drop();
  });

  test('is published without its private half, and verifies our tokens anywhere', async () => {
    const { accessToken, user, session } = await signUp(gatehouse, { username: 'keyed' });
    const { status, headers, body } = await jwksOf(gatehouse);
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
    expect(body.keys).toEqual([expect.objectContaining({ ...members, alg, use: 'sig', kid: expect.any(String) })]);
    for (const key of body.keys) for (const member of PRIVATE) expect(Object.keys(key)).not.toContain(member);
    const { protectedHeader, payload } = await verifyElsewhere(gatehouse, accessToken);
    expect(protectedHeader).toEqual({ alg, typ: 'at+jwt', kid: body.keys[0]?.kid });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: 'gatehouse',
      sub: user.id,
      sid: session.id,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 900,
      roles: ['user'],
      ver: 1,
      username: 'keyed',
    });
    const forged = accessToken.replace(/.{8}$/, 'AAAAAAAA');
    await expect(verifyElsewhere(gatehouse, forged)).rejects.toThrow();
    expect(await verdict(gatehouse, forged)).toBe('invalid_token');
  });

  test('cannot be read in the database', async () => {
    await signUp(gatehouse);
    const [row] = await own.query<{ sealed: Buffer; alg: string }>('SELECT * FROM signing_keys');
    const [jwk] = (await jwksOf(gatehouse)).body.keys;
    const der = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'der' });
    expect(row?.alg).toBe(alg);
    // A key in the clear holds its public half, and the object identifier of its kind.
    expect(row?.sealed.includes(der.subarray(-24))).toBe(false);
    expect(row?.sealed.includes(Buffer.from(alg === 'ES256' ? '2a8648ce3d0201' : '2a864886f70d010101', 'hex'))).toBe(
      false,
    );
    expect(row?.sealed.toString('latin1')).not.toMatch(/PRIVATE KEY|"d":/);
  });
});

test('HS256 signs, verifies here, and publishes nothing', () =>
  serving({ JWT_ALG: 'HS256' }, async (gatehouse) => {
    const { accessToken } = await signUp(gatehouse);
    expect(partOf(accessToken, 0)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: expect.any(String) });
    expect(await verdict(gatehouse, accessToken)).toBe('ok');
    expect((await jwksOf(gatehouse)).body).toEqual({ keys: [] });
    expect(await verdict(gatehouse, accessToken.replace(/.{8}$/, 'AAAAAAAA'))).toBe('invalid_token');
  }));

test('the keys outlive restarts, another algorithm and nobody who moves them', async () => {
  const first = await serving({}, async (gatehouse) => ({
    tokens: await signUp(gatehouse),
    jwks: (await jwksOf(gatehouse)).body,
  }));
  // The same key after a restart, and the tokens it signed are good.
  await serving({}, async (gatehouse) => {
    expect((await jwksOf(gatehouse)).body).toEqual(first.jwks);
    expect(await verdict(gatehouse, first.tokens.accessToken)).toBe('ok');
    expect((await refresh(gatehouse, first.tokens.refreshToken)).code).toBe('ok');
  });
  expect(partOf(first.tokens.accessToken, 0).alg).toBe('ES256');
  // Another algorithm signs from the restart on, and what the former signed stays good.
  await serving({ JWT_ALG: 'RS256' }, async (gatehouse) => {
    expect(await verdict(gatehouse, first.tokens.accessToken)).toBe('ok');
    await verifyElsewhere(gatehouse, first.tokens.accessToken);
    const { accessToken } = await signIn(gatehouse, first.tokens.user.email);
    expect(partOf(accessToken, 0).alg).toBe('RS256');
    await verifyElsewhere(gatehouse, accessToken);
  });
  // A key that was swapped between rows is not opened.
  await database.query(`UPDATE signing_keys SET kid = 'moved' WHERE alg = 'ES256'`);
  const { code, output } = await endOf({ NODE_ENV: 'production', BCRYPT_COST: '10' });
  expect(code).toBe(78);
  expect(output).toContain('APP_SECRET');
});

/** How a server with these settings ends that does not start. */
async function endOf(env: Record<string, string>) {
  const gatehouse = GatehouseProcess.launch({ DATABASE_URL: database.url, ...env });
  const { code } = await gatehouse.exited;
  await gatehouse.stop();
  return { code, output: gatehouse.output };
}

describe('JWT_SIGNING_KEY', () => {
  const privateJwk = (type: 'ec' | 'rsa') => {
    const { privateKey } =
      type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
    return { ...privateKey.export({ format: 'jwk' }), kid: `own-${type}` };
  };

  test.each([
    ['an EC key', privateJwk('ec'), 'ES256'],
    ['an RSA key', privateJwk('rsa'), 'RS256'],
    ['a secret', { kty: 'oct', k: randomBytes(48).toString('base64url'), kid: 'own-oct' }, 'HS256'],
  ])('%s signs by its own algorithm and id, and is stored nowhere', (_, jwk, alg) =>
    serving({ JWT_SIGNING_KEY: JSON.stringify(jwk) }, async (gatehouse) => {
      const { accessToken } = await signUp(gatehouse);
      expect(partOf(accessToken, 0)).toEqual({ alg, typ: 'at+jwt', kid: jwk.kid });
      expect(await verdict(gatehouse, accessToken)).toBe('ok');
      const { keys } = (await jwksOf(gatehouse)).body;
      expect(keys.map(({ kid }) => kid)).toEqual(alg === 'HS256' ? [] : [jwk.kid]);
      for (const key of keys) for (const member of PRIVATE) expect(Object.keys(key)).not.toContain(member);
      if (alg !== 'HS256') await verifyElsewhere(gatehouse, accessToken);
      expect(await database.query('SELECT FROM signing_keys')).toEqual([]);
    }),
  );
});
