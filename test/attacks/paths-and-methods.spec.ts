import { type Api, Gatehouse } from '../support/gatehouse.js';
import { routesOf } from '../support/openapi.js';
import { sendRaw } from '../support/raw.js';
import { type Problem, type SignedUp, signUp } from '../support/users.js';

/**
 * A guarded route spelled otherwise: the same verdict or no route, never a way past the guard. ASVS 5.0 V4.1.4, V3.5.3;
 * CVE-2026-54281, CVE-2026-2293, CVE-2026-33011 (NestJS on Fastify), CVE-2026-22031 and its kind (middie),
 * GHSA-x732-6j76-qmhm (better-auth: a double slash).
 */

let gatehouse: Api;
let person: SignedUp;
beforeAll(async () => {
  ({ gatehouse } = Gatehouse.shared());
  person = await signUp(gatehouse);
});

const GUARDED: [method: string, path: string][] = [
  ['GET', '/v1/auth/session'],
  ['GET', '/v1/users/me'],
  ['PATCH', '/v1/users/me'],
  ['GET', '/v1/sessions'],
  ['DELETE', '/v1/sessions/01890a5d-ac96-774b-bcce-b302099a8057'],
  ['GET', '/v1/dashboard'],
  ['POST', '/v1/auth/logout-all'],
];

/** Spellings that some router, proxy or file system takes for the same. */
function spellings(path: string): string[] {
  const last = path.slice(path.lastIndexOf('/') + 1);
  const parent = path.slice(0, path.lastIndexOf('/'));
  return [
    `/${path}`,
    `//${path}`,
    path.replace('/', '//'),
    path.replace(/\/(?=[^/]+$)/, '//'),
    `${path}/`,
    `${path}//`,
    `${path}/.`,
    `${path}/..`,
    `${path}/../${last}`,
    `${parent}/./${last}`,
    `/.${path}`,
    `/x/..${path}`,
    `${path};`,
    `${path};x`,
    `${path};a=b`,
    path.replace(/\/(?=[^/]+$)/, ';/'),
    `${path}%20`,
    `${path}%00`,
    `${path}%0a`,
    `${path}%09`,
    `${path}%2f`,
    `${path}%3f`,
    `${path}%23`,
    `${path}%3bx`,
    `${path}.json`,
    `${path}.`,
    `${path}~`,
    `${path}*`,
    `${path}\\`,
    path.replace(/\/(?=[^/]+$)/, '%2f'),
    path.replace(/\/(?=[^/]+$)/, '%2F'),
    path.replace(/\/(?=[^/]+$)/, '\\'),
    path.replace(/\/(?=[^/]+$)/, '%5c'),
    path.replace(/\/(?=[^/]+$)/, '%252f'),
    path.replace('v1', 'V1'),
    path.toUpperCase(),
    path.replace('v1', '%761'),
    path.replace('v1', 'v%31'),
    path.replace('v1', 'v%2531'),
    `${path}?`,
    `${path}??`,
    `${path}#x`,
    `${path}%`,
    `${path}%zz`,
    `/%2e%2e${path}`,
    path.replace('v1', 'ｖ1'),
    `http://gatehouse.test${path}`,
    `http://evil.example${path}`,
    `https:${path}`,
  ];
}

const REFUSALS = [400, 401, 404, 405];

async function raw(method: string, target: string, header = ''): Promise<{ status: number; text: string }> {
  const head = [`${method} ${target} HTTP/1.1`, 'Host: gatehouse.test', header, 'Connection: close'].filter(Boolean);
  const { statuses, text } = await sendRaw(gatehouse.url, `${head.join('\r\n')}\r\n\r\n`);
  return { status: statuses[0] ?? 0, text };
}

describe.each(GUARDED)('%s %s', (method, path) => {
  test('spelled otherwise and without a token: never let in', async () => {
    expect((await raw(method, path)).status).toBe(401);
    for (const target of spellings(path)) {
      const { status, text } = await raw(method, target);
      if (!REFUSALS.includes(status)) throw new Error(`${target}: ${status}`);
      expect(text).toContain('application/problem+json');
    }
  });

  test('with a bad token in all other methods: never let in', async () => {
    for (const other of [
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      'SEARCH',
      'QUERY',
      'PURGE',
      'LOCK',
      'FOO',
      'get',
      'Get',
    ]) {
      const { status } = await raw(other, path, 'Authorization: Bearer bad');
      if (!REFUSALS.includes(status)) throw new Error(`${other}: ${status}`);
    }
  });

  test('a header that names another method or path changes nothing (ASVS 5.0 V4.1.4)', async () => {
    for (const header of [
      'X-HTTP-Method-Override: POST',
      'X-HTTP-Method: GET',
      'X-Method-Override: DELETE',
      'X-Original-URL: /health/live',
      'X-Rewrite-URL: /health/live',
      'X-Forwarded-Prefix: /health',
      'X-Forwarded-Uri: /health/live',
    ]) {
      expect((await raw(method, path, header)).status).toBe(401);
      expect((await raw('GET', '/health/live', header)).status).toBe(200);
    }
  });
});

test('HEAD asks the same guard as GET, and sends no body', async () => {
  for (const path of ['/v1/auth/session', '/v1/users/me', '/v1/sessions', '/v1/dashboard']) {
    const refused = await gatehouse.call('HEAD', path);
    expect([refused.status, refused.text]).toEqual([401, '']);
    const taken = await gatehouse.call('HEAD', path, { token: person.accessToken });
    expect([taken.status, taken.text]).toEqual([200, '']);
  }
});

test('reading methods change nothing (ASVS 5.0 V3.5.3)', async () => {
  const routes = await routesOf(gatehouse);
  const read = new Set(routes.flatMap(([method, path]) => (method === 'GET' ? [path] : [])));
  const changing = [...new Set(routes.map(([, path]) => path))].filter((path) => !read.has(path));
  expect(changing).toEqual(expect.arrayContaining(['/v1/auth/logout', '/v1/auth/email/verify']));
  for (const path of changing) {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const { status } = await gatehouse.call(method, path, { token: person.accessToken });
      expect([method, path, status]).toEqual([method, path, 405]);
    }
  }
  expect((await gatehouse.call('GET', '/v1/auth/session', { token: person.accessToken })).status).toBe(200);
});

test.each([
  ['PUT', '/v1/auth/login', 'POST'],
  ['DELETE', '/v1/auth/session', 'GET, HEAD'],
  ['POST', '/v1/users/me', 'DELETE, GET, HEAD, PATCH'],
  ['POST', '/v1/sessions/01890a5d-ac96-774b-bcce-b302099a8057', 'DELETE'],
  ['POST', '/health/live', 'GET, HEAD'],
  ['POST', '/.well-known/jwks.json', 'GET, HEAD'],
  ['POST', '/openapi.json', 'GET, HEAD'],
  ['PROPFIND', '/v1/dashboard', 'GET, HEAD'],
])('%s %s: 405, and Allow says what would be taken (RFC 9110, 15.5.6)', async (method, path, allow) => {
  const { status, headers, body } = await gatehouse.call<Problem>(method, path, { token: person.accessToken });
  expect([status, body.code, headers.get('allow')]).toEqual([405, 'method_not_allowed', allow]);
});

test.each([
  '/v1',
  '/v1/',
  '/v2/auth/session',
  '/v1/auth',
  '/.env',
  '/.git/config',
  '/package.json',
  '/docs/../package.json',
  '/docs/%2e%2e/package.json',
  '/docs/..%2f..%2fpackage.json',
  '/docs/%252e%252e%252fpackage.json',
  '/health/../v1/auth/session',
  '/.well-known/%2e%2e/v1/auth/session',
  `/${'a'.repeat(8000)}`,
])('%s: there is nothing (CVE-2026-63188: out of a folder of files)', async (path) => {
  const { status, text } = await raw('GET', path);
  expect([400, 404]).toContain(status);
  expect(text).toContain('application/problem+json');
  expect(text).not.toMatch(/\/work|node_modules|Cannot GET|\.js:\d/);
});

describe('every answer has an id', () => {
  const VALID = ['a', 'abc-DEF_0.9:x', 'a'.repeat(128), '01890a5d-ac96-774b-bcce-b302099a8057'];
  test.each(VALID)('a proper one is kept: %s', async (id) => {
    const { headers, body } = await gatehouse.call<Problem>('GET', '/v1/auth/session', {
      headers: { 'x-request-id': id },
    });
    expect([headers.get('x-request-id'), body.requestId]).toEqual([id, id]);
  });

  const OTHERS = ['', ' ', 'a b', 'a'.repeat(129), 'a/b', '<script>', 'a,b', '{"a":1}', 'a%0d%0ab', "'", 'é', 'a\tb'];
  test.each(OTHERS)('what could forge a line of the log is replaced: %j', async (id) => {
    const { headers, body } = await gatehouse.call<Problem>('GET', '/v1/auth/session', {
      headers: { 'x-request-id': id },
    });
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{12}\.[0-9a-z]+$/);
    expect(body.requestId).toBe(headers.get('x-request-id'));
  });

  test('two of them are none', async () => {
    const { text } = await raw('GET', '/health/live', 'X-Request-Id: one\r\nX-Request-Id: two');
    expect(text).toMatch(/x-request-id: [\w-]{12}\.[0-9a-z]+/i);
  });

  test('wherever it comes from', async () => {
    const { accessToken: token } = person;
    const answers = await Promise.all([
      gatehouse.call('GET', '/health/live'),
      gatehouse.call('GET', '/v1/users/me', { token }),
      gatehouse.call('GET', '/nothing'),
      gatehouse.call('GET', '/%zz'),
      gatehouse.call('PUT', '/health/live'),
      gatehouse.call('POST', '/v1/auth/login', { body: '{' }),
      gatehouse.call('POST', '/v1/auth/login', { body: 'x'.repeat(70_000) }),
      gatehouse.call('GET', '/docs'),
      gatehouse.call('GET', '/docs/swagger-ui.css'),
      gatehouse.call('GET', '/openapi.json'),
    ]);
    for (const { headers } of answers) {
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{12}\.[0-9a-z]+$/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('content-type')).toMatch(/charset=utf-8|^image/);
    }
  });
});
