import { auth } from 'express-oauth2-jwt-bearer';
import { allowInsecureRequests, validateJwtAccessToken } from 'oauth4webapi';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, refresh, signIn, signUp } from './support/users.js';

/** What an access token says (RFC 9068), and that strict verifiers of other services take it by the published keys. */
const ISSUER = 'http://gatehouse.test';
const AUDIENCE = 'gatehouse';

type Claims = Record<string, unknown>;
type ExpressRequest = Parameters<ReturnType<typeof auth>>[0];
type ExpressResponse = Parameters<ReturnType<typeof auth>>[1];
const claimsOf = (token: string): Claims => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

let database: TestDatabase;
let gatehouse: Gatehouse;
beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** By the library of an OpenID-certified author, as a resource server of RFC 9068 uses it. */
async function verifyByOauth4webapi(token: string): Promise<Claims> {
  const server = { issuer: ISSUER, jwks_uri: `${gatehouse.url}/.well-known/jwks.json` };
  const request = new Request('http://other.test/', { headers: { authorization: `Bearer ${token}` } });
  return validateJwtAccessToken(server, request, AUDIENCE, { [allowInsecureRequests]: true });
}

/** By the middleware that Auth0 gives to services written with Express. */
async function verifyByExpress(token: string): Promise<Claims> {
  const jwksUri = `${gatehouse.url}/.well-known/jwks.json`;
  const handler = auth({ issuer: ISSUER, jwksUri, audience: AUDIENCE, strict: true });
  const request = {
    method: 'GET',
    headers: { authorization: `Bearer ${token}` },
    query: {},
    protocol: 'http',
    originalUrl: '/',
    get: (name: string) => (name === 'Host' ? 'other.test' : undefined),
    is: () => false,
  };
  await new Promise<void>((resolve, reject) => {
    const next = (error?: unknown) => (error === undefined ? resolve() : reject(error));
    void handler(request as unknown as ExpressRequest, {} as ExpressResponse, next);
  });
  return (request as unknown as ExpressRequest).auth?.payload ?? {};
}

describe.each([
  ['oauth4webapi', verifyByOauth4webapi],
  ['express-oauth2-jwt-bearer in strict mode', verifyByExpress],
])('%s', (_name, verify) => {
  test('takes our token', async () => {
    const { user, session, accessToken } = await signUp(gatehouse);
    expect(await verify(accessToken)).toMatchObject({ sub: user.id, sid: session.id, client_id: 'gatehouse' });
  });

  test('refuses it with another byte, and another kind of token', async () => {
    const { accessToken, refreshToken } = await signUp(gatehouse);
    const [header, payload, signature = ''] = accessToken.split('.');
    const turned = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
    await expect(verify(`${header}.${payload}.${turned}`)).rejects.toThrow();
    await expect(verify(refreshToken)).rejects.toThrow();
  });
});

test('says for which client, when and how somebody proved who they are, and no more than that', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { user, session, accessToken } = await signUp(gatehouse, { username: 'ada' });
  const claims = claimsOf(accessToken);
  expect(claims).toEqual({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: user.id,
    sid: session.id,
    jti: expect.any(String),
    iat: expect.any(Number),
    exp: Number(claims.iat) + 900,
    client_id: 'gatehouse',
    roles: ['user'],
    ver: expect.any(Number),
    username: 'ada',
    auth_time: expect.any(Number),
    amr: ['pwd'],
    acr: '1fa',
  });
  expect(claims.auth_time).toBeGreaterThanOrEqual(before);
  expect(claims.auth_time).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
});

describe('auth_time', () => {
  /** Moves the proof of a session an hour into the past. Returns when it was, in seconds. */
  async function age(sessionId: string): Promise<number> {
    await database.query(
      `UPDATE sessions SET auth_time = coalesce(auth_time, created_at) - interval '1 hour' WHERE id = $1`,
      [sessionId],
    );
    const [row] = await database.query<{ at: number }>(
      'SELECT floor(extract(epoch FROM auth_time))::integer AS at FROM sessions WHERE id = $1',
      [sessionId],
    );
    return row?.at ?? 0;
  }

  test('is kept by a refresh, also by one whose answer is given twice', async () => {
    const { session, refreshToken } = await signUp(gatehouse);
    const at = await age(session.id);
    for (let i = 0; i < 2; i++) {
      const { body } = await refresh(gatehouse, refreshToken);
      expect(claimsOf(body.accessToken)).toMatchObject({ auth_time: at, amr: ['pwd'], acr: '1fa' });
    }
  });

  test('is kept by a change of password, which signs nobody in', async () => {
    const { session, accessToken } = await signUp(gatehouse);
    const at = await age(session.id);
    const { body } = await gatehouse.call<{ accessToken: string }>('POST', '/v1/users/me/password', {
      token: accessToken,
      body: { currentPassword: PASSWORD, newPassword: 'another tractor under snow' },
    });
    expect(claimsOf(body.accessToken).auth_time).toBe(at);
  });

  test('is of its own session: another sign-in changes it for none but its own', async () => {
    const { user, session, refreshToken } = await signUp(gatehouse);
    const at = await age(session.id);
    expect(claimsOf((await signIn(gatehouse, user.email)).accessToken).auth_time).toBeGreaterThan(at + 3000);
    expect(claimsOf((await refresh(gatehouse, refreshToken)).body.accessToken).auth_time).toBe(at);
  });

  test('of a session that an instance of the version before opens, which leaves it empty, is the moment it was opened', async () => {
    const { session, refreshToken } = await signUp(gatehouse);
    const [row] = await database.query<{ at: number; empty: boolean }>(
      `UPDATE sessions SET created_at = created_at - interval '1 hour' WHERE id = $1
       RETURNING floor(extract(epoch FROM created_at))::integer AS at, auth_time IS NULL AS empty`,
      [session.id],
    );
    expect(row?.empty).toBe(true);
    expect(claimsOf((await refresh(gatehouse, refreshToken)).body.accessToken).auth_time).toBe(row?.at);
  });
});
