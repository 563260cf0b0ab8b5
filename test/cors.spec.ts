import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, type CallOptions, Gatehouse } from './support/gatehouse.js';
import { freshEmail, PASSWORD } from './support/users.js';

/** Which pages may read our answers: those of CORS_ORIGINS, named one by one, and no other (ASVS 5.0, 3.4.2). */
const APP = 'https://app.example.com';
const OTHER_APP = 'https://admin.example.com';
const STRANGERS = [
  'https://evil.example',
  'null',
  'http://app.example.com',
  'https://app.example.com:444',
  'https://app.example.com.evil.example',
  'https://xapp.example.com',
  'https://appxexample.com',
  'https://app.example.com/',
  'HTTPS://APP.EXAMPLE.COM',
  `${APP}, https://evil.example`,
];
let database: TestDatabase;
let listed: Gatehouse;
let closed: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'on' };
  listed = await Gatehouse.start({ ...env, CORS_ORIGINS: `${APP},${OTHER_APP}` });
  closed = await Gatehouse.start(env);
});

afterAll(async () => {
  await Promise.all([listed?.stop(), closed?.stop()]);
  await database?.drop();
});

const preflight = (server: Gatehouse, origin: string, path = '/v1/auth/refresh', method = 'POST') =>
  server.call('OPTIONS', path, {
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,x-token-delivery',
    },
  });

/** What an answer tells a browser about other origins, Vary apart. */
const grants = ({ headers }: Answer<unknown>) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

/** One answer of each kind: a success, refusals by the route, by the parser and by no route at all. */
const REQUESTS: [method: string, path: string, options: CallOptions, status: number][] = [
  ['GET', '/.well-known/jwks.json', {}, 200],
  ['GET', '/v1/auth/session', {}, 401],
  ['POST', '/v1/auth/login', { body: { email: freshEmail(), password: PASSWORD } }, 401],
  ['POST', '/v1/auth/login', { body: '{' }, 400],
  ['POST', '/v1/auth/login', { body: 'x', headers: { 'content-type': 'text/plain' } }, 415],
  ['GET', '/nothing', {}, 404],
];

describe('an origin of CORS_ORIGINS', () => {
  test.each([APP, OTHER_APP])('%s is told what it may send, itself by name', async (origin) => {
    const answer = await preflight(listed, origin);
    expect(answer.status).toBe(204);
    expect(grants(answer)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization,content-type,x-token-delivery',
    });
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  test.each(REQUESTS)('reads the answer: %s %s', async (method, path, options, status) => {
    const answer = await listed.call(method, path, { ...options, headers: { ...options.headers, origin: APP } });
    expect(answer.status).toBe(status);
    expect(grants(answer)).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
    });
    expect(answer.headers.get('access-control-expose-headers')).toContain('Retry-After');
    expect(answer.headers.get('vary')).toContain('Origin');
  });
});

describe('any other origin', () => {
  test.each(STRANGERS)('is granted nothing: %s', async (origin) => {
    for (const [method, path, options] of REQUESTS) {
      const answer = await listed.call(method, path, { ...options, headers: { ...options.headers, origin } });
      expect(grants(answer)).not.toHaveProperty('access-control-allow-origin');
      // Else a cache would give one origin the answer to another.
      expect(answer.headers.get('vary')).toContain('Origin');
    }
    expect(grants(await preflight(listed, origin))).not.toHaveProperty('access-control-allow-origin');
  });

  test('is granted nothing where none is listed, our own neither: its pages need no leave', async () => {
    for (const origin of [APP, 'http://gatehouse.test', ...STRANGERS]) {
      expect(grants(await preflight(closed, origin))).toEqual({});
      for (const [method, path, options] of REQUESTS)
        expect(
          grants(await closed.call(method, path, { ...options, headers: { ...options.headers, origin } })),
        ).toEqual({});
    }
  });
});

test('a preflight runs nothing, whatever its path', async () => {
  for (const path of ['/v1/users/me', '/v1/users', '/nothing', '/v1/auth/login']) {
    const answer = await preflight(listed, APP, path, 'DELETE');
    expect([path, answer.status, answer.text]).toEqual([path, 204, '']);
  }
});

test('a request that is not a preflight is no error either, and is granted nothing', async () => {
  for (const headers of [{}, { origin: 'https://evil.example' }, { 'access-control-request-method': 'POST' }]) {
    const answer = await listed.call('OPTIONS', '/v1/auth/login', { headers: headers as Record<string, string> });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(grants(answer)).not.toHaveProperty('access-control-allow-origin');
  }
});

test('preflights are counted, and a page can read that it was refused (ASVS 5.0, 2.4.1)', async () => {
  const flood = await Promise.all(Array.from({ length: 601 }, () => preflight(listed, APP)));
  const refused = flood.find(({ status }) => status === 429);
  expect(refused?.headers.get('content-type')).toMatch('application/problem+json');
  const requests = Array.from({ length: 601 }, () => listed.call('GET', '/nothing', { headers: { origin: APP } }));
  const answer = (await Promise.all(requests)).find(({ status }) => status === 429);
  expect(answer?.headers.get('access-control-allow-origin')).toBe(APP);
});
