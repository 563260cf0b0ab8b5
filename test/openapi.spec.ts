import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { PROBLEMS, type ProblemCode } from '../src/platform/http/problem.js';
import { PAGE_PATHS } from '../src/web/page-paths.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Document, type DocumentedOperation, type DocumentedResponse, undocumented } from './support/document.js';
import { Gatehouse } from './support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp } from './support/users.js';

/** /openapi.json tells a client everything, and what it tells is so. */

const ADMIN = 'admin@example.com';

/** What the server says to the example of a body that is right in form, where it cannot be right in fact. */
const REFUSED_EXAMPLES: Record<string, string> = {
  'POST /v1/auth/login': 'invalid_credentials',
  'POST /v1/auth/refresh': 'invalid_refresh_token',
  'POST /v1/auth/email/verify': 'invalid_token_link',
  'POST /v1/auth/email/undo': 'invalid_token_link',
  'POST /v1/auth/password/reset': 'invalid_token_link',
  'POST /v1/auth/invitations/accept': 'invalid_token_link',
  'PATCH /v1/users/{id}': 'not_found',
  'PUT /v1/users/{id}/roles': 'not_found',
};

/** What docs/routes.txt says, named as the document does. */
const ROUTES = readFileSync(new URL('../docs/routes.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [method = '', path = '', access = ''] = line.split(/\s+(?=[/])|\s{2,}/);
    return { name: `${method} ${path.replace(/:(\w+)/g, '{$1}')}`, path, access };
  });
/** The page, the documentation and their files. */
const FILES = [
  ...Object.values<string>(PAGE_PATHS),
  '/assets/*',
  '/icon.svg',
  '/theme.js',
  '/openapi.json',
  '/docs',
  '/docs/*',
];

let database: TestDatabase;
let gatehouse: Gatehouse;
let text: string;
let document: Document;
let operations: { name: string; operation: DocumentedOperation }[];

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    BOOTSTRAP_ADMIN_EMAIL: ADMIN,
    BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  });
  ({ text, body: document } = await gatehouse.call<Document>('GET', '/openapi.json'));
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

test('is OpenAPI 3.1 without an error or a warning of the linter’s recommended rules', async () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  // The rule knows no operation that leads elsewhere: that each has one success is for the next test but one.
  const config = await createConfig({ extends: ['recommended'], rules: { 'operation-2xx-response': 'off' } });
  const found = await lintFromString({ source: text, config, absoluteRef: '/openapi.json' });
  expect(found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([]);
  // The linter works: what is wrong is found.
  const broken = await lintFromString({ source: '{"openapi":"3.1.0","info":{}}', config, absoluteRef: '/broken.json' });
  expect(broken.length).toBeGreaterThan(0);
});

test('has every route of docs/routes.txt but files, and no other', () => {
  const api = ROUTES.filter(({ path }) => !FILES.includes(path)).map(({ name }) => name);
  expect(api.length).toBeGreaterThan(30);
  expect(operations.map(({ name }) => name).sort()).toEqual(api.sort());
});

test('says of every operation what it is called, what it does, what it takes and what it answers', () => {
  for (const { name, operation } of operations) {
    const { operationId, summary, tags, responses, requestBody, parameters = [] } = operation;
    expect({ name, operationId }).toEqual({ name, operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/) });
    expect(summary?.length).toBeGreaterThan(5);
    expect(tags).toHaveLength(1);
    const success = Object.entries(responses).filter(([status]) => /^[23]/.test(status) && status !== '304');
    // Two where the route says so: made anew or replaced, signed in or to be confirmed first.
    expect(success.length).toBe(['PUT /v1/roles/{name}', 'POST /v1/auth/register'].includes(name) ? 2 : 1);
    for (const [status, response] of success) {
      if (['204', '303'].includes(status)) expect(response.content).toBeUndefined();
      else
        expect({ name, schema: response.content?.['application/json']?.schema }).toEqual({
          name,
          schema: { $ref: expect.any(String) },
        });
    }
    if (requestBody) {
      expect(Object.keys(requestBody.content)).toEqual(['application/json']);
      expect({ name, schema: requestBody.content['application/json']?.schema.$ref }).toEqual({
        name,
        schema: expect.any(String),
      });
    }
    for (const parameter of parameters)
      expect(parameter).toMatchObject({ schema: { type: expect.stringMatching(/^(string|integer|boolean)$/) } });
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    expect(parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name)).toEqual(
      inPath,
    );
  }
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('says who needs a token as docs/routes.txt does', () => {
  const access = Object.fromEntries(ROUTES.map(({ name, access }) => [name, access]));
  const needed = (words = '') =>
    words === 'anybody' ? [] : words === 'anybody, better signed in' ? [{ bearer: [] }, {}] : [{ bearer: [] }];
  const cookie = { refreshCookie: [] };
  for (const { name, operation } of operations) {
    const expected: Record<string, unknown> = {
      'POST /v1/auth/refresh': [cookie, {}],
      'POST /v1/auth/logout': [{ bearer: [] }, cookie, {}],
    };
    expect({ name, security: operation.security }).toEqual({ name, security: expected[name] ?? needed(access[name]) });
  }
  expect(document.components).toMatchObject({
    securitySchemes: { refreshCookie: { type: 'apiKey', in: 'cookie', name: '__Host-gatehouse_refresh' } },
  });
});

test('lists what every answer carries besides its body', () => {
  for (const { name, operation } of operations) {
    const isLimited = !name.startsWith('GET /health/');
    const takesCookie = CODES_OF_COOKIE.includes(name);
    for (const [status, response] of Object.entries(operation.responses)) {
      const headers = Object.keys(response.headers ?? {});
      expect(headers).toContain('X-Request-Id');
      expect([name, headers.includes('RateLimit-Remaining')]).toEqual([name, isLimited]);
      expect([name, status, headers.includes('Retry-After')]).toEqual([name, status, ['429', '503'].includes(status)]);
      expect([name, status, headers.includes('WWW-Authenticate')]).toEqual([name, status, status === '401']);
      if (status.startsWith('2')) expect([name, headers.includes('Set-Cookie')]).toEqual([name, takesCookie]);
      expect(headers.includes('Clear-Site-Data')).toBe(name === 'POST /v1/auth/logout');
    }
    const refusals = operation.responses['403'];
    expect([name, refusals ? codesOf(refusals).includes('cross_site_request') : false]).toEqual([name, takesCookie]);
  }
});

/** Every way to get tokens, and what else has to do with the cookie. */
const CODES_OF_COOKIE = [
  'POST /v1/auth/register',
  'POST /v1/auth/login',
  'POST /v1/auth/refresh',
  'POST /v1/auth/logout',
  'POST /v1/auth/invitations/accept',
  'POST /v1/users/me/password',
];

/** Every value of a member of this name, wherever it stands. */
function valuesOf(name: string, within: unknown): unknown[] {
  if (typeof within !== 'object' || within === null) return [];
  return Object.entries(within).flatMap(([key, value]) => [...(key === name ? [value] : []), ...valuesOf(name, value)]);
}

test('has no pattern but those that every engine reads alike: RE2, Java, PCRE, Python, ECMAScript without flags', () => {
  const patterns = valuesOf('pattern', document).filter((value) => typeof value === 'string');
  expect(new Set(patterns).size).toBeGreaterThan(3);
  for (const pattern of patterns) {
    // Literals, classes of ASCII and their counts: nothing that begins with (?, or like \S is of ASCII in RE2 and Java alone.
    expect(pattern).toMatch(/^\^?(?:[\w:@-]|\\\.|\[\^?(?:[\w.: -]|\\[tnr])+\]|\{\d+(?:,\d*)?\}|[+*?|()](?!\?))+\$?$/);
    expect(() => new RegExp(pattern)).not.toThrow();
    expect(() => new RegExp(pattern, 'u')).not.toThrow();
  }
  // What is still checked without one says so in words.
  const names = valuesOf('name', document.components.schemas).filter(
    (schema) => valuesOf('example', schema)[0] === 'Ada Lovelace',
  );
  expect(names.length).toBeGreaterThan(3);
  for (const schema of names) expect(JSON.stringify(schema)).toContain('without control characters');
});

test('says that a sign-in takes exactly one of email and username, and that a refresh may come without a body', () => {
  const { oneOf } = document.components.schemas.Login as { oneOf: { required: string[]; properties: object }[] };
  expect(oneOf.map(({ required, properties }) => [required, Object.keys(properties)])).toEqual([
    [
      ['email', 'password'],
      ['email', 'password'],
    ],
    [
      ['username', 'password'],
      ['username', 'password'],
    ],
  ]);
  expect(document.paths['/v1/auth/refresh']?.post?.requestBody?.required).toBe(false);
});

/** The codes that a response lists. */
function codesOf(response: DocumentedResponse): ProblemCode[] {
  return [...response.description.matchAll(/`(\w+)`:/g)].map(([, code]) => code as ProblemCode);
}

test('lists every error code where it can come from, under its status', () => {
  const seen = new Set<string>();
  for (const { operation } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const code of codesOf(response)) {
        expect([code, PROBLEMS[code][0]]).toEqual([code, Number(status)]);
        seen.add(code);
      }
    }
  }
  // What no operation answers: another method than those that the document has, and what no route can do as yet.
  const elsewhere = ['method_not_allowed', 'mfa_required'];
  expect(Object.keys(PROBLEMS).filter((code) => !seen.has(code) && !elsewhere.includes(code))).toEqual([]);
});

describe('what it says is so', () => {
  let person: SignedUp;
  let leaver: SignedUp;
  let owner: SignedUp;
  let administrator: SignedUp;
  beforeAll(async () => {
    person = await signUp(gatehouse, { username: 'ada' });
    [leaver, owner] = [await signUp(gatehouse), await signUp(gatehouse)];
    administrator = await signIn(gatehouse, ADMIN);
  });

  type Options = Parameters<Gatehouse['call']>[2];
  type Call = [operation: string, status: number, options: () => Options, path?: string | (() => string)];
  const admin = () => ({ token: administrator.accessToken });
  const token = () => ({ token: person.accessToken });
  const calls: Call[] = [
    ['GET /health/live', 200, () => ({})],
    ['GET /health/started', 200, () => ({})],
    ['GET /health/ready', 200, () => ({})],
    ['GET /health/database', 200, () => ({})],
    ['GET /.well-known/jwks.json', 200, () => ({})],
    ['GET /.well-known/change-password', 303, () => ({})],
    ['POST /v1/auth/register', 201, () => ({ body: { email: freshEmail(), password: PASSWORD } })],
    ['POST /v1/auth/register', 400, () => ({ body: { email: 'x', extra: 1 } })],
    ['POST /v1/auth/register', 400, () => ({ body: '{' })],
    ['POST /v1/auth/register', 400, () => ({ body: { email: freshEmail(), password: 'password1' } })],
    ['POST /v1/auth/register', 409, () => ({ body: { email: person.user.email, password: PASSWORD } })],
    ['POST /v1/auth/register', 413, () => ({ body: 'x'.repeat(70_000) })],
    ['POST /v1/auth/register', 415, () => ({ body: 'x', headers: { 'content-type': 'text/plain' } })],
    ['POST /v1/auth/login', 200, () => ({ body: { username: 'ada', password: PASSWORD } })],
    ['POST /v1/auth/login', 401, () => ({ body: { username: 'ada', password: 'wrong' } })],
    ['POST /v1/auth/refresh', 401, () => ({ body: { refreshToken: 'x' } })],
    ['POST /v1/auth/refresh', 200, () => ({ body: { refreshToken: person.refreshToken } })],
    ['GET /v1/auth/session', 200, token],
    ['GET /v1/auth/session', 401, () => ({})],
    ['GET /v1/auth/session', 401, () => ({ token: 'bad' })],
    ['GET /v1/auth/session', 400, token, '/v1/auth/session?a=1'],
    ['GET /v1/users/me', 200, token],
    ['PATCH /v1/users/me', 200, () => ({ ...token(), body: { name: 'Ada' } })],
    ['PATCH /v1/users/me', 400, () => ({ ...token(), body: { name: 1 } })],
    ['GET /v1/sessions', 200, token],
    ['GET /v1/sessions', 400, token, '/v1/sessions?limit=0'],
    ['DELETE /v1/sessions/{id}', 404, token, '/v1/sessions/01890a5d-ac96-774b-bcce-b302099a8057'],
    ['GET /v1/dashboard', 200, token],
    ['GET /v1/dashboard/stats', 200, admin, '/v1/dashboard/stats?days=1'],
    ['GET /v1/dashboard/stats', 403, token],
    ['GET /v1/audit', 200, admin],
    ['GET /v1/audit', 400, admin, '/v1/audit?type=x'],
    ['GET /v1/users', 200, admin],
    ['POST /v1/users', 201, () => ({ ...admin(), body: { email: freshEmail() } })],
    ['POST /v1/users', 409, () => ({ ...admin(), body: { email: person.user.email } })],
    ['GET /v1/users/{id}', 200, admin, () => `/v1/users/${person.user.id}`],
    ['GET /v1/users/{id}', 404, admin, '/v1/users/nobody'],
    ['PATCH /v1/users/{id}', 200, () => ({ ...admin(), body: { name: 'Ada' } }), () => `/v1/users/${person.user.id}`],
    [
      'PUT /v1/users/{id}/roles',
      200,
      () => ({ ...admin(), body: { roles: ['user'] } }),
      () => `/v1/users/${person.user.id}/roles`,
    ],
    [
      'PUT /v1/users/{id}/roles',
      409,
      () => ({ ...admin(), body: { roles: [] } }),
      () => `/v1/users/${administrator.user.id}/roles`,
    ],
    ['GET /v1/users/{id}/sessions', 200, admin, () => `/v1/users/${person.user.id}/sessions`],
    ['DELETE /v1/users/{id}/sessions', 200, admin, () => `/v1/users/${leaver.user.id}/sessions`],
    ['DELETE /v1/users/{id}', 204, admin, () => `/v1/users/${leaver.user.id}`],
    [
      'POST /v1/sessions/revoke-before',
      200,
      () => ({ ...admin(), body: { userId: person.user.id, before: '2026-01-01T00:00:00Z' } }),
    ],
    ['POST /v1/sessions/revoke-before', 400, () => ({ ...admin(), body: { before: null } })],
    ['POST /v1/sessions/revoke-before', 404, () => ({ ...admin(), body: { role: 'nobodys' } })],
    ['GET /v1/roles', 200, admin],
    ['PUT /v1/roles/{name}', 201, () => ({ ...admin(), body: { permissions: [] } }), '/v1/roles/editor'],
    ['PUT /v1/roles/{name}', 200, () => ({ ...admin(), body: { permissions: [] } }), '/v1/roles/editor'],
    ['DELETE /v1/roles/{name}', 204, admin, '/v1/roles/editor'],
    ['DELETE /v1/roles/{name}', 409, admin, '/v1/roles/user'],
    ['GET /dev/outbox', 200, () => ({})],
    ['POST /v1/auth/email/resend', 202, () => ({ body: { email: person.user.email } })],
    ['POST /v1/auth/email/verify', 400, () => ({ body: { token: 'x' } })],
    ['POST /v1/auth/email/undo', 400, () => ({ body: { token: 'x' } })],
    ['POST /v1/auth/password/forgot', 202, () => ({ body: { email: person.user.email } })],
    ['POST /v1/auth/password/reset', 400, () => ({ body: { token: 'x', password: PASSWORD } })],
    ['POST /v1/auth/invitations/accept', 400, () => ({ body: { token: 'x', password: PASSWORD } })],
    ['GET /v1/users/me/export', 200, () => ({ token: owner.accessToken })],
    [
      'POST /v1/users/me/email',
      202,
      () => ({ token: owner.accessToken, body: { email: freshEmail(), password: PASSWORD } }),
    ],
    [
      'POST /v1/users/me/password',
      403,
      () => ({ token: owner.accessToken, body: { currentPassword: 'x', newPassword: PASSWORD } }),
    ],
    [
      'POST /v1/users/me/password',
      200,
      () => ({ token: owner.accessToken, body: { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` } }),
    ],
    ['DELETE /v1/users/me', 403, () => ({ token: owner.accessToken, body: { password: 'x' } })],
    ['DELETE /v1/users/me', 204, () => ({ token: owner.accessToken, body: { password: `${PASSWORD}!` } })],
    ['POST /v1/auth/logout-all', 200, () => ({ ...token(), body: { keepCurrent: true } })],
    ['POST /v1/auth/logout', 401, () => ({})],
    ['POST /v1/auth/logout', 200, token],
    ['GET /v1/auth/session', 401, token],
  ];

  test('the answers of real calls are of the form that it gives', async () => {
    for (const [name, status, options, path] of calls) {
      const [method = '', own = ''] = name.split(' ');
      const at = typeof path === 'function' ? path() : path;
      const answer = await gatehouse.call<unknown>(method, at ?? own, options());
      expect({ name, status: answer.status, text: answer.text }).toMatchObject({ name, status });
      // The tokens of a new password are good alone.
      if (name === 'POST /v1/users/me/password' && status === 200) Object.assign(owner, answer.body);
    }
    const made = new Set(calls.map(([name]) => name));
    const missing = operations.map(({ name }) => name).filter((name) => !made.has(name));
    expect({ 'need a call in `calls`': missing }).toEqual({ 'need a call in `calls`': [] });
  });

  test('an answer of another form would be found', () => {
    const headers = new Headers({ 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'a' });
    const good = {
      user: { id: person.user.id, username: null, roles: [] },
      session: { id: person.session.id },
      expiresAt: new Date().toISOString(),
    };
    const exchange = { method: 'GET', path: '/v1/auth/session', status: 200, headers, text: JSON.stringify(good) };
    expect(undocumented(exchange)).toEqual([]);
    for (const body of [{}, { ...good, extra: 1 }, { ...good, expiresAt: 'soon' }])
      expect(undocumented({ ...exchange, text: JSON.stringify(body) })).not.toEqual([]);
    const others: Partial<typeof exchange>[] = [
      { status: 202 },
      { text: '' },
      { path: '/v1/auth/session?a=1' },
      { headers: new Headers({ 'x-request-id': 'a' }) },
      { headers: new Headers({ 'content-type': 'application/json' }) },
      { headers: new Headers([...headers, ['set-cookie', 'a=b']]) },
      { headers: new Headers([...headers, ['location', '/']]) },
    ];
    for (const other of others) {
      const of = { ...exchange, ...other };
      expect([other, undocumented(other.text === '' ? { ...of, text: '{' + '}' } : of)]).not.toEqual([other, []]);
    }
    const login = { ...exchange, method: 'POST', path: '/v1/auth/login', status: 200, text: '{}' };
    const both = { email: 'a@example.com', username: 'ada', password: PASSWORD };
    expect(undocumented({ ...login, sent: both }).join()).toContain('requestBody');
  });

  test('every body has an example, and the server takes each as it is', async () => {
    const fresh = await createDatabase();
    const server = await Gatehouse.start({
      DATABASE_URL: fresh.url,
      BOOTSTRAP_ADMIN_EMAIL: ADMIN,
      BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
    });
    try {
      const withBody = operations.filter(({ operation }) => operation.requestBody);
      expect(withBody.length).toBeGreaterThan(15);
      // Only what is about the caller's own account comes from somebody else than the administrator.
      for (const { name, operation } of withBody) {
        const example = operation.requestBody?.content['application/json']?.example;
        const [method = '', template = ''] = name.split(' ');
        expect({ name, example }).toEqual({ name, example: expect.any(Object) });
        const caller = template.startsWith('/v1/users/me')
          ? await signUp(server, { password: 'correct horse battery' })
          : await signIn(server, ADMIN);
        const examples = new Map(operation.parameters?.map((parameter) => [parameter.name, parameter.example]));
        const path = template.replace(/\{(\w+)\}/g, (_, parameter) => String(examples.get(parameter)));
        const answer = await server.call<Problem>(method, path, { body: example, token: caller.accessToken });
        // A token of a mail, or of a session, works once, and nobody has the example's id.
        const outcome = answer.status < 300 ? 'taken' : answer.body.code;
        expect({ name, outcome }).toEqual({ name, outcome: REFUSED_EXAMPLES[name] ?? 'taken' });
        // An example may be what another has: each finds the server without it.
        await fresh.query(
          "UPDATE users SET email = id || '@example.com', email_key = id || '@example.com', username = NULL WHERE email <> $1",
          [ADMIN],
        );
      }
    } finally {
      await server.stop();
      await fresh.drop();
    }
  });

  test('bodies that it calls optional may be left out, and the others may not', async () => {
    for (const { name, operation } of operations.filter((entry) => entry.operation.requestBody)) {
      const [method = '', path = ''] = name.split(' ');
      const { accessToken, refreshToken } = await signUp(gatehouse);
      // Without a body, a refresh has its token in the cookie.
      const headers: Record<string, string> =
        name === 'POST /v1/auth/refresh' ? { cookie: `__Host-gatehouse_refresh=${refreshToken}` } : {};
      const { status } = await gatehouse.call(method, path, { token: accessToken, headers });
      expect({ name, taken: status < 400 }).toEqual({ name, taken: operation.requestBody?.required === false });
    }
  });
});
