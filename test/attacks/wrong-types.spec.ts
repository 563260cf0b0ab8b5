import type { TestDatabase } from '../support/database.js';
import { type Api, Gatehouse } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signUp } from '../support/users.js';

/**
 * Objects, lists, null and numbers where a text belongs, and fields that are not the client's to set: 400, never 5xx,
 * never taken. CVE-2025-60542 and CVE-2022-33171 (objects that reach TypeORM), CVE-2019-18413, ASVS 5.0 V2.2.1;
 * mass assignment: ASVS 5.0 V15.3.3, CVE-2026-54693 (somebody marked their own email verified).
 */

let database: TestDatabase;
let gatehouse: Api;
let person: SignedUp;
beforeAll(async () => {
  ({ gatehouse, database } = Gatehouse.shared());
  person = await signUp(gatehouse, { username: `ada${Date.now()}`, name: 'Ada' });
});
afterAll(() => database?.close());

const WRONG: unknown[] = [
  null,
  0,
  -1,
  1.5,
  1e308,
  true,
  false,
  [],
  [null],
  ['a'],
  [[['a']]],
  {},
  { a: 1 },
  { length: 8 },
  { $gt: '' },
  { $ne: null },
  { toString: 'x' },
  { $regex: '.*' },
  { constructor: { prototype: {} } },
  { type: 'Buffer', data: [1] },
  '',
  '\u0000',
  'a\u0000b',
  'x'.repeat(5000),
];

/** Each body whole, so that the one field that is wrong is why it is refused. */
const BODIES: [method: string, path: string, body: Record<string, unknown>, takes: Record<string, unknown[]>][] = [
  [
    'POST',
    '/v1/auth/register',
    { email: 'eve@example.com', password: PASSWORD, username: 'eve', name: 'Eve' },
    { username: [null], name: [null, 'x'.repeat(0)] },
  ],
  ['POST', '/v1/auth/login', { email: 'ada@example.com', password: PASSWORD }, {}],
  ['POST', '/v1/auth/login', { username: 'nobody', password: PASSWORD }, {}],
  ['POST', '/v1/auth/refresh', { refreshToken: 'x' }, {}],
  ['POST', '/v1/auth/logout', { refreshToken: 'x' }, {}],
  ['POST', '/v1/auth/logout-all', { keepCurrent: true }, { keepCurrent: [true, false] }],
  ['PATCH', '/v1/users/me', { name: 'Ada', username: 'ada' }, { name: [null], username: [null] }],
];

describe.each(BODIES)('%s %s', (method, path, body, takes) => {
  // A public route is asked by nobody in particular, or logout would end the session of the caller.
  const token = () => (method === 'PATCH' || path.endsWith('logout-all') ? { token: person.accessToken } : {});
  const call = (sent: unknown) => gatehouse.call<Problem>(method, path, { body: sent, ...token() });

  test.each(Object.keys(body))('field %s', async (field) => {
    for (const value of WRONG) {
      if (takes[field]?.includes(value)) continue;
      const answer = await call({ ...body, [field]: value });
      // A text may be no password or token of anybody; nothing but a text gets that far.
      const expected = typeof value === 'string' ? /^(invalid_|password_too_common)/ : /^invalid_request$/;
      expect({ value, code: answer.body.code }).toEqual({ value, code: expect.stringMatching(expected) });
      expect(answer.status).toBe(
        answer.body.code === 'invalid_request' || answer.body.code === 'password_too_common' ? 400 : 401,
      );
    }
  });

  test.each([null, 0, 1, true, '', 'text', [], [{}], [body]])('a body that is no object: %j', async (value) => {
    const answer = await call(JSON.stringify(value));
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
  });
});

const NOT_YOURS = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  userId: '01890a5d-ac96-774b-bcce-b302099a8057',
  roles: ['admin'],
  role: 'admin',
  isAdmin: true,
  permissions: ['users:write'],
  status: 'active',
  emailVerified: true,
  email_verified_at: '2026-01-01T00:00:00.000Z',
  verified: true,
  ver: 1,
  passwordHash: '$2b$04$abcdefghijklmnopqrstuv',
  password_hash: 'x',
  createdAt: '2026-01-01T00:00:00.000Z',
  lastLoginAt: null,
  session: { id: 'x' },
  Email: 'eve@example.com',
  constructor: { admin: true },
};

test.each(Object.keys(NOT_YOURS))('%s is not the client’s to set', async (field) => {
  const value = NOT_YOURS[field as keyof typeof NOT_YOURS];
  const email = freshEmail();
  const bodies = [
    ['POST', '/v1/auth/register', { email, password: PASSWORD, [field]: value }],
    ['POST', '/v1/auth/login', { email: person.user.email, password: PASSWORD, [field]: value }],
    ['PATCH', '/v1/users/me', { name: 'Eve', [field]: value }],
  ] as const;
  for (const [method, path, body] of bodies) {
    const answer = await gatehouse.call<Problem>(method, path, { body, token: person.accessToken });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    expect(answer.body.errors).toContainEqual({ pointer: `/${field}`, detail: 'Unknown field.' });
  }
  expect(await database.query('SELECT FROM users WHERE email = $1', [email])).toEqual([]);
});

test('who tried all that is who they were', async () => {
  const { body } = await gatehouse.call('GET', '/v1/users/me', { token: person.accessToken });
  expect(body).toMatchObject({
    id: person.user.id,
    roles: ['user'],
    status: 'active',
    emailVerified: false,
    email: person.user.email,
  });
});

test('query parameters that are not there, or not what they must be', async () => {
  const bad = [
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    'limit=1&limit=2',
    'limit=NaN',
    'limit=1e1',
    'limit=0x10',
    'limit=%2010',
    'limit=null',
    'limit=true',
    'limit[]=1',
    'limit=9999999999999999999999',
    'offset=1',
    'userId=1',
    'cursor=',
    'cursor=x',
    'cursor=%00',
    'cursor=%27',
    'cursor=a&cursor=b',
    `cursor=${'A'.repeat(600)}`,
    '__proto__=1',
    'constructor=1',
    'callback=x',
    'jsonp=x',
    '=1',
    '[]=1',
  ];
  for (const query of bad) {
    const answer = await gatehouse.call<Problem>('GET', `/v1/sessions?${query}`, { token: person.accessToken });
    expect({ query, status: answer.status, code: answer.body.code }).toEqual({
      query,
      status: 400,
      code: 'invalid_request',
    });
  }
  for (const path of ['/v1/auth/session', '/v1/users/me', '/v1/dashboard', '/health/live', '/.well-known/jwks.json']) {
    for (const query of ['a=1', 'callback=x', '__proto__=1', '=1']) {
      const answer = await gatehouse.call<Problem>('GET', `${path}?${query}`, { token: person.accessToken });
      expect({ path, query, status: answer.status }).toEqual({ path, query, status: 400 });
    }
  }
});

test('ids that are none', async () => {
  for (const id of [
    '1',
    'x',
    '%00',
    '..%2f..',
    'null',
    'undefined',
    '[object Object]',
    "'",
    '%',
    '%zz',
    '{}',
    person.user.id,
    `${person.session.id}%00`,
    person.session.id.toUpperCase(),
    `{${person.session.id}}`,
    'a'.repeat(3000),
  ]) {
    const answer = await gatehouse.call<Problem>('DELETE', `/v1/sessions/${id}`, { token: person.accessToken });
    expect({ id, status: answer.status, code: answer.body.code }).toEqual({ id, status: 404, code: 'not_found' });
  }
});
