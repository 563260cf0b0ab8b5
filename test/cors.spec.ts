import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, type CallOptions, Gatehouse } from './support/gatehouse.js';
import { served } from './support/served.js';
import { freshEmail, PASSWORD, type Problem, type Tokens } from './support/users.js';

/** Which pages may read our answers: those of CORS_ORIGINS, named one by one, and no other (ASVS 5.0, 3.4.2). */
const APP = 'https://app.example.com';
const OTHER_APP = 'https://admin.example.com';
/** What the web view of a mobile or desktop app, or an extension, says that it is. */
const NATIVE = [
  'capacitor://localhost',
  'ionic://localhost',
  'tauri://localhost',
  'http://tauri.localhost',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
];
const STRANGERS = [
  'capacitor://localhost.evil.example',
  'tauri://evil',
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
  listed = await Gatehouse.start({ ...env, CORS_ORIGINS: [APP, OTHER_APP, ...NATIVE].join() });
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
  ['GET', '/health/live', {}, 200],
  ['GET', '/v1/auth/session', {}, 401],
  ['POST', '/v1/auth/login', { body: { email: freshEmail(), password: PASSWORD } }, 401],
  ['POST', '/v1/auth/login', { body: '{' }, 400],
  ['POST', '/v1/auth/login', { body: 'x', headers: { 'content-type': 'text/plain' } }, 415],
  ['GET', '/nothing', {}, 404],
];

describe('an origin of CORS_ORIGINS', () => {
  test.each([APP, OTHER_APP, ...NATIVE])('%s is told what it may send, itself by name', async (origin) => {
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

test.each(NATIVE.filter((origin) => !origin.startsWith('http')))(
  'an app with a scheme of its own gets no cookie, which it could not keep, but a token in the body: %s',
  async (origin) => {
    const body = { email: freshEmail(), password: PASSWORD };
    const asked = await listed.call<Problem>('POST', '/v1/auth/register', {
      body,
      headers: { origin, 'x-token-delivery': 'cookie' },
    });
    expect([asked.status, asked.body.code, asked.headers.get('set-cookie')]).toEqual([403, 'cross_site_request', null]);
    const { status, body: answer } = await served(() =>
      listed.call<Tokens>('POST', '/v1/auth/register', { body, headers: { origin } }),
    );
    expect([status, answer.refreshToken]).toEqual([201, expect.any(String)]);
  },
);

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

/** They hold no secret: a page or an edge that verifies tokens reads them from wherever it is. */
describe.each(['/.well-known/jwks.json', '/openapi.json'])('%s is read from every origin', (path) => {
  const servers = (): [string, Gatehouse][] => [
    ['some listed', listed],
    ['none listed', closed],
  ];

  test.each(['GET', 'HEAD'])('%s: by all alike, without their cookies, and kept by a cache', async (method) => {
    for (const [name, server] of servers()) {
      const answers = await Promise.all(
        [undefined, APP, ...STRANGERS].map((origin) =>
          server.call(method, path, { headers: origin ? { origin } : {} }),
        ),
      );
      for (const answer of answers) {
        expect([name, answer.status]).toEqual([name, 200]);
        expect(answer.headers.get('access-control-allow-origin')).toBe('*');
        expect(answer.headers.has('access-control-allow-credentials')).toBe(false);
        expect(answer.headers.has('set-cookie')).toBe(false);
        expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
        expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
        expect(answer.headers.has('vary')).toBe(false);
      }
      expect(new Set(answers.map(({ headers }) => headers.get('etag'))).size).toBe(1);
    }
  });

  test('answers a preflight of any origin, for reading alone, and nothing else under that name', async () => {
    for (const [name, server] of servers()) {
      for (const origin of [APP, ...STRANGERS]) {
        const answer = await preflight(server, origin, path, 'GET');
        expect([name, answer.status, answer.text]).toEqual([name, 204, '']);
        expect(grants(answer)).toEqual({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET, HEAD',
          'access-control-allow-headers': '*',
          'access-control-max-age': '600',
        });
      }
      expect((await server.call('POST', path, { headers: { origin: APP } })).status).toBe(405);
      expect(grants(await preflight(server, STRANGERS[0] ?? '', `${path}/..`, 'GET'))).not.toHaveProperty(
        'access-control-allow-origin',
      );
    }
  });

  test('says 304 to who has it already (RFC 9110, 13.1.2)', async () => {
    const { headers, text } = await closed.call('GET', path);
    const etag = headers.get('etag') ?? '';
    expect(text).not.toBe('');
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const answer = await closed.call('GET', path, { headers: { 'if-none-match': known } });
      expect([known, answer.status, answer.text]).toEqual([known, 304, '']);
      expect(answer.headers.get('etag')).toBe(etag);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    }
    expect((await closed.call('GET', path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
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
