import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { Client } from 'pg';
import { createDatabase, setting, type TestDatabase } from './support/database.js';
import { type Api, Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { refresh, type SignedUp, signIn, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The keys: of each algorithm, of our making or brought along, published as JWKS and nowhere readable. */
const ISSUER = 'http://gatehouse.test';

const jwksOf = (gatehouse: Api) => gatehouse.call<JSONWebKeySet>('GET', '/.well-known/jwks.json');
const partOf = (token: string, at: number) =>
  JSON.parse(Buffer.from(token.split('.')[at] ?? '', 'base64url').toString());

/** Verifies as a service of somebody else would, by the published keys alone. */
async function verifyElsewhere(gatehouse: Api, token: string) {
  const keys = createLocalJWKSet((await jwksOf(gatehouse)).body);
  return jwtVerify(token, keys, { issuer: ISSUER, audience: 'gatehouse', typ: 'at+jwt' });
}

/** The private members of a JWK of any kind (RFC 7518, 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** One deployment from its first key on; each test goes on where the last one ended. Time is moved in the table. */
describe('the keys outlive restarts, another algorithm and an idle operator', () => {
  let database: TestDatabase;
  let gatehouse: Gatehouse;
  /** Another instance, which wants another algorithm. */
  let second: Gatehouse;
  /** Somebody whose first access token the first key has signed. */
  let early: SignedUp;

  const start = (env: Record<string, string> = {}) => Gatehouse.start({ DATABASE_URL: database.url, ...env });
  const restart = async (env: Record<string, string> = {}) => {
    await gatehouse.stop();
    gatehouse = await start(env);
  };
  const stored = () =>
    database.query<{ kid: string; alg: string; waits: boolean }>(
      'SELECT kid, alg, signs_from > now() AS waits FROM signing_keys ORDER BY signs_from',
    );
  const signsSince = (kid: string, ago: string) =>
    database.query('UPDATE signing_keys SET signs_from = now() - $2::interval WHERE kid = $1', [kid, ago]);
  /** The header of a token that this server signs now. */
  const signed = async (server: Api) => partOf((await signIn(server, early.user.email)).accessToken, 0);
  const publishedIds = async (server: Api) => (await jwksOf(server)).body.keys.map(({ kid }) => kid);

  beforeAll(async () => {
    database = await createDatabase();
    gatehouse = await start();
    early = await signUp(gatehouse, { username: 'early' });
  });
  afterAll(async () => {
    await Promise.all([gatehouse?.stop(), second?.stop()]);
    await database?.drop();
  });

  /** The newest key is published without its private half, and verifies our tokens anywhere. */
  async function expectPublished(alg: string, members: object) {
    const { accessToken, user, session } = await signUp(gatehouse, { username: `keyed-${alg}` });
    const { status, headers, body } = await jwksOf(gatehouse);
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
    expect(body.keys.at(-1)).toEqual({ ...members, alg, use: 'sig', kid: (await stored()).at(-1)?.kid });
    for (const key of body.keys) for (const member of PRIVATE) expect(Object.keys(key)).not.toContain(member);
    const { protectedHeader, payload } = await verifyElsewhere(gatehouse, accessToken);
    expect(protectedHeader).toEqual({ alg, typ: 'at+jwt', kid: body.keys.at(-1)?.kid });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: 'gatehouse',
      sub: user.id,
      sid: session.id,
      jti: expect.any(String),
      client_id: 'gatehouse',
      auth_time: expect.any(Number),
      amr: ['pwd'],
      acr: '1fa',
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 900,
      roles: ['user'],
      ver: 1,
      username: `keyed-${alg}`,
    });
    const forged = accessToken.replace(/.{8}$/, 'AAAAAAAA');
    await expect(verifyElsewhere(gatehouse, forged)).rejects.toThrow();
    expect(await verdict(gatehouse, forged)).toBe('invalid_token');
  }

  /** A key in the clear holds its public half, and the object identifier of its kind. */
  async function expectSealed(alg: string, identifier: string) {
    const [row] = await database.query<{ sealed: Buffer }>('SELECT sealed FROM signing_keys WHERE alg = $1', [alg]);
    const jwk = (await jwksOf(gatehouse)).body.keys.find((key) => key.alg === alg);
    const der = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'der' });
    expect(row?.sealed.includes(der.subarray(-24))).toBe(false);
    expect(row?.sealed.includes(Buffer.from(identifier, 'hex'))).toBe(false);
    expect(row?.sealed.toString('latin1')).not.toMatch(/PRIVATE KEY|"d":/);
  }

  const COORDINATE = expect.stringMatching(/^[\w-]{43}$/);

  test('the first is for ES256: published without its private half, and not to be read in the database', async () => {
    await expectPublished('ES256', { kty: 'EC', crv: 'P-256', x: COORDINATE, y: COORDINATE });
    await expectSealed('ES256', '2a8648ce3d0201');
  });

  test('one that has served its time (JWT_KEY_LIFETIME) is followed by the next, which is published before it signs', async () => {
    const [first] = await stored();
    await signsSince(first?.kid ?? '', '90 days');
    await restart();
    const [, next] = await stored();
    expect(await stored()).toEqual([first, { kid: expect.any(String), alg: 'ES256', waits: true }]);
    const rotations = await database.query(
      `SELECT e.actor_id, e.actor_kind, e.data FROM audit_events e WHERE e.type = 'key.rotated'`,
    );
    expect(rotations).toEqual([{ actor_id: null, actor_kind: 'system', data: { kid: next?.kid } }]);
    // Every verifier can have it by now, and the first one signs on. It has outlived the restart.
    expect(await publishedIds(gatehouse)).toEqual([first?.kid, next?.kid]);
    expect((await signed(gatehouse)).kid).toBe(first?.kid);
    expect(await verdict(gatehouse, early.accessToken)).toBe('ok');

    await signsSince(next?.kid ?? '', '0');
    await waitFor(async () => (await signed(gatehouse)).kid === next?.kid);
    expect(partOf(early.accessToken, 0).kid).toBe(first?.kid);
    expect(await verdict(gatehouse, early.accessToken)).toBe('ok');
    await verifyElsewhere(gatehouse, early.accessToken);
  });

  test('another algorithm begins at once where no other instance serves, and what the former signed stays good', async () => {
    const [first, next] = await stored();
    // The last token of the first key has just expired; the margin for clocks that differ has not.
    await signsSince(next?.kid ?? '', '15 minutes');
    await restart({ JWT_ALG: 'RS256' });
    await expectPublished('RS256', { kty: 'RSA', e: 'AQAB', n: expect.stringMatching(/^[\w-]{512}$/) });
    await expectSealed('RS256', '2a864886f70d010101');
    expect((await publishedIds(gatehouse)).slice(0, 2)).toEqual([first?.kid, next?.kid]);
    expect(await verdict(gatehouse, early.accessToken)).toBe('ok');
    expect((await refresh(gatehouse, early.refreshToken)).code).toBe('ok');
  });

  test('one is removed once its last token has died, and the one after it is not', async () => {
    const [first, next] = await stored();
    const { accessToken } = await signIn(gatehouse, early.user.email);
    await signsSince(next?.kid ?? '', '17 minutes');
    second = await start({ JWT_ALG: 'HS256' });
    for (const server of [gatehouse, second]) {
      await waitFor(async () => (await verdict(server, early.accessToken)) === 'invalid_token');
      expect(await verdict(server, accessToken)).toBe('ok');
      expect(await publishedIds(server)).not.toContain(first?.kid);
      expect(await publishedIds(server)).toContain(next?.kid);
    }
  });

  test('another algorithm is published before it signs where an instance goes on', async () => {
    const key = (await stored()).at(-1);
    expect(key).toEqual({ kid: expect.any(String), alg: 'HS256', waits: true });
    for (const server of [gatehouse, second]) expect((await signed(server)).alg).toBe('RS256');

    await signsSince(key?.kid ?? '', '0');
    for (const server of [gatehouse, second]) {
      await waitFor(async () => (await signed(server)).alg === 'HS256');
      const { accessToken } = await signIn(server, early.user.email);
      expect(partOf(accessToken, 0)).toEqual({ alg: 'HS256', typ: 'at+jwt', kid: key?.kid });
      for (const other of [gatehouse, second]) expect(await verdict(other, accessToken)).toBe('ok');
      expect(await verdict(server, accessToken.replace(/.{8}$/, 'AAAAAAAA'))).toBe('invalid_token');
      // A shared secret is never published.
      expect(await publishedIds(server)).not.toContain(key?.kid);
    }
  });

  test('one that was moved to another row is left aside, and no server starts before it is gone', async () => {
    const moved = (await stored()).map(({ kid }) => `moved-${kid}`);
    expect(moved).toHaveLength(3);
    await database.query(`UPDATE signing_keys SET kid = 'moved-' || kid, signs_from = signs_from - interval '1 day'`);
    const fresh = await waitFor(async () => (await stored())[3] ?? false);
    for (const server of [gatehouse, second]) await waitFor(async () => (await signed(server)).kid === fresh.kid);
    // Who cannot open a key does not remove it, though it was followed long ago.
    expect((await stored()).map(({ kid }) => kid)).toEqual([...moved, fresh.kid]);
    const { code, output } = await endOf({ DATABASE_URL: database.url, NODE_ENV: 'production', BCRYPT_COST: '10' });
    expect([code, output]).toEqual([78, expect.stringContaining('APP_SECRET is not the one')]);
    expect(await stored()).toHaveLength(4);
  });

  test('one is made at once where all were removed, and what the former signed is refused', async () => {
    const { accessToken, refreshToken } = await signIn(gatehouse, early.user.email);
    await database.query('DELETE FROM signing_keys');
    const [key, ...others] = await waitFor(async () => ((await stored()).length > 0 ? stored() : false));
    expect([key?.waits, others]).toEqual([false, []]);
    for (const server of [gatehouse, second]) {
      await waitFor(async () => (await signed(server)).kid === key?.kid);
      expect(await verdict(server, accessToken)).toBe('invalid_token');
    }
    const { body } = await refresh(gatehouse, refreshToken);
    expect(await verdict(second, body.accessToken)).toBe('ok');
  });

  test('nobody is told of a statement that touched none', async () => {
    const client = new Client({ connectionString: database.url });
    const heard: (string | undefined)[] = [];
    // Pulses come each second by themselves.
    client.on('notification', ({ payload }) => payload === 'pulse' || heard.push(payload));
    await client.connect();
    try {
      await client.query('LISTEN gatehouse');
      await client.query('DELETE FROM signing_keys WHERE false');
      await client.query('UPDATE signing_keys SET alg = alg');
      await client.query(`NOTIFY gatehouse, 'the last'`);
      await waitFor(() => heard.includes('the last'));
      expect(heard).toEqual(['keys', 'the last']);
    } finally {
      await client.end();
    }
  });
});

/** How a server with these settings ends that does not start. */
async function endOf(env: Record<string, string>) {
  const gatehouse = GatehouseProcess.launch(env);
  const { code } = await gatehouse.exited;
  await gatehouse.stop();
  return { code, output: gatehouse.output };
}

describe('JWT_SIGNING_KEY', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const secret = { kty: 'oct', k: randomBytes(48).toString('base64url'), kid: 'own-oct' };

  /** Signs by its own algorithm and id, and is stored nowhere. */
  async function expectInUse(gatehouse: Api, database: TestDatabase, { kid }: { kid: string }, alg: string) {
    const { accessToken } = await signUp(gatehouse);
    expect(partOf(accessToken, 0)).toEqual({ alg, typ: 'at+jwt', kid });
    expect(await verdict(gatehouse, accessToken)).toBe('ok');
    const { keys } = (await jwksOf(gatehouse)).body;
    expect(keys.map((key) => key.kid)).toEqual(alg === 'HS256' ? [] : [kid]);
    for (const key of keys) for (const member of PRIVATE) expect(Object.keys(key)).not.toContain(member);
    if (alg !== 'HS256') await verifyElsewhere(gatehouse, accessToken);
    expect(await database.query('SELECT FROM signing_keys')).toEqual([]);
  }

  test('an EC key signs by its own algorithm and id, and is stored nowhere', async () => {
    const { gatehouse, database } = Gatehouse.shared();
    await expectInUse(gatehouse, database, JSON.parse(setting('TEST_SHARED_SIGNING_KEY')), 'ES256');
    await database.close();
  });

  test.each([
    ['an RSA key', { ...rsa, kid: 'own-rsa' }, 'RS256'],
    ['a secret', secret, 'HS256'],
  ])('%s signs by its own algorithm and id, and is stored nowhere', async (_, jwk, alg) => {
    const database = await createDatabase();
    const gatehouse = await Gatehouse.start({
      DATABASE_URL: database.url,
      JWT_SIGNING_KEY: JSON.stringify(jwk),
    });
    try {
      await expectInUse(gatehouse, database, jwk, alg);
    } finally {
      await gatehouse.stop();
      await database.drop();
    }
  });
});
