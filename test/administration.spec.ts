import { makeRole, withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp, type User } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** What admins do to users and roles, on two instances that share a database. */
interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

let database: TestDatabase;
let one: Gatehouse;
let two: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  one = await Gatehouse.start({ DATABASE_URL: database.url });
  two = await Gatehouse.start({ DATABASE_URL: database.url });
  admin = await withRoles(one, database, 'admin', 'user');
});

afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await database?.drop();
});

const asAdmin = <T>(method: string, path: string, body?: unknown, headers = {}) =>
  one.call<T>(method, path, { body, token: admin.accessToken, headers });

/** Every page of a list, with something done between the pages. */
async function pages<T>(path: string, between: () => Promise<unknown> = async () => undefined): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Answer<Page<T>> = await asAdmin<Page<T>>('GET', `${path}${cursor && `&cursor=${cursor}`}`);
    items.push(...page.body.items);
    cursor = page.body.nextCursor;
    await between();
  }
  return items;
}

describe('users', () => {
  test('250 users are paged while 100 are inserted: all there, each once', async () => {
    await database.query(
      `INSERT INTO users (id, email, email_key) SELECT gen_random_uuid(), e, e FROM generate_series(1, 250) n, LATERAL (SELECT 'page' || n || '@example.com' AS e) x`,
    );
    const before = (await database.query<{ id: string }>('SELECT id FROM users')).map(({ id }) => id);
    let made = 0;
    const seen = await pages<User>('/v1/users?limit=25', async () => {
      for (let n = 0; n < 9; n++, made++) await signUp(two);
    });
    const ids = seen.map(({ id }) => id);
    expect(made).toBeGreaterThanOrEqual(90);
    expect(new Set(ids).size).toBe(ids.length);
    expect(before.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.each([
    ['EDDIE', ['eddie']],
    ['Van Halen', ['eddie']],
    ['50%', ['fifty']],
    ['a_b', ['under']],
    ['back\\slash', ['back']],
    ['%', ['fifty']],
    ["' OR 1=1 --", []],
    // Parts of two fields are no part of one.
    ['com eddie', []],
    ['zq', ['short']],
    ['qx', []],
    ['@se', ['back', 'eddie', 'fifty', 'not-under', 'short', 'under']],
    ['(', []],
    ['o (', []],
    ['a.b', []],
  ])('a search for %j finds exactly %j', async (query, found) => {
    const people = [
      { username: 'eddie', name: 'Eddie van Halen' },
      { username: 'fifty', name: '50% off' },
      { username: 'under', name: 'a_b' },
      { username: 'not-under', name: 'axb' },
      { username: 'back', name: 'back\\slash' },
      { username: 'short', name: 'zqx' },
    ];
    for (const { username, name } of people) {
      await database.query(
        'INSERT INTO users (id, email, email_key, username, name) VALUES (gen_random_uuid(), $1, $1, $2, $3) ON CONFLICT DO NOTHING',
        [`${username.replaceAll('-', '')}@search.test`, username, name],
      );
    }
    const users = await pages<User>(`/v1/users?limit=2&query=${encodeURIComponent(query)}`);
    expect(users.map(({ username }) => username).sort()).toEqual(found.sort());
  });

  test('the list is narrowed by role and status', async () => {
    const { user } = await signUp(one, { username: 'narrow' });
    expect((await asAdmin('PATCH', `/v1/users/${user.id}`, { status: 'disabled' })).status).toBe(200);
    const disabled = await pages<User>('/v1/users?status=disabled&role=user');
    expect(disabled.map(({ username }) => username)).toEqual(['narrow']);
    const admins = await pages<User>('/v1/users?role=admin');
    expect(admins.map(({ id }) => id)).toEqual([admin.user.id]);
    const neither = await asAdmin<Problem>('GET', '/v1/users?status=gone');
    expect([neither.status, neither.body.errors?.[0]?.pointer]).toEqual([400, '/status']);
  });

  test('somebody disabled is out at once, everywhere, by every way in, and back when enabled', async () => {
    const person = await signUp(one);
    const path = `/v1/users/${person.user.id}`;
    const disabled = await asAdmin<User>('PATCH', path, { status: 'disabled' });
    expect([disabled.status, disabled.body.status]).toEqual([200, 'disabled']);
    const here = await one.call<Problem>('GET', '/v1/users/me', { token: person.accessToken });
    expect([here.status, here.body.code]).toEqual([401, 'session_revoked']);
    const there = await waitFor(() => two.call<Problem>('GET', '/v1/users/me', { token: person.accessToken }), {
      until: ({ status }) => status === 401,
    });
    expect(there.body.code).toBe('session_revoked');
    const { refreshToken } = person;
    expect((await two.call<Problem>('POST', '/v1/auth/refresh', { body: { refreshToken } })).status).toBe(401);
    const login = { email: person.user.email, password: PASSWORD };
    expect((await one.call<Problem>('POST', '/v1/auth/login', { body: login })).body.code).toBe('account_disabled');
    expect((await asAdmin<User>('PATCH', path, { status: 'active' })).body.status).toBe('active');
    await signIn(two, login.email);
  });

  test('a new user signs in with the password it was given, and without one with none', async () => {
    const email = freshEmail();
    const made = await asAdmin<User>('POST', '/v1/users', { email, password: PASSWORD, name: 'New' });
    expect([made.status, made.body.roles, made.body.emailVerified]).toEqual([201, ['user'], false]);
    await signIn(one, email);
    const invited = await asAdmin<User>('POST', '/v1/users', { email: freshEmail(), roles: [] });
    expect([invited.status, invited.body.roles]).toEqual([201, []]);
    await asAdmin('PATCH', `/v1/users/${invited.body.id}`, { email: freshEmail() });
    const trail = await asAdmin<Schemas['AuditPage']>('GET', `/v1/audit?userId=${invited.body.id}`);
    const types = ['user.invited', 'user.email_changed', 'user.invited', 'user.created'];
    expect(trail.body.items.map(({ type }) => type)).toEqual(types);
    for (const entry of trail.body.items) expect(entry).toMatchObject({ actorId: admin.user.id, ip: '127.0.0.1' });
    const common = await asAdmin<Problem>('POST', '/v1/users', { email: freshEmail(), password: 'password1' });
    expect([common.status, common.body.code]).toEqual([400, 'password_too_common']);
    const taken = await asAdmin<Problem>('POST', '/v1/users', { email: email.toUpperCase() });
    expect([taken.status, taken.body.code]).toEqual([409, 'email_taken']);
    const unknown = await asAdmin<Problem>('POST', '/v1/users', { email: freshEmail(), roles: ['nobody'] });
    expect([unknown.status, unknown.body.errors?.[0]?.pointer]).toEqual([400, '/roles']);
  });

  test('an address set by an admin is unverified; a change that fails half way changes nothing', async () => {
    const { user } = await signUp(one, { name: 'Before' });
    await database.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [user.id]);
    const same = await asAdmin<User>('PATCH', `/v1/users/${user.id}`, { email: user.email.toUpperCase() });
    expect(same.body.emailVerified).toBe(true);
    const taken = { email: admin.user.email, name: 'After', status: 'disabled' };
    expect((await asAdmin<Problem>('PATCH', `/v1/users/${user.id}`, taken)).body.code).toBe('email_taken');
    expect((await asAdmin<User>('GET', `/v1/users/${user.id}`)).body).toMatchObject({
      name: 'Before',
      status: 'active',
    });
    const moved = await asAdmin<User>('PATCH', `/v1/users/${user.id}`, { email: freshEmail() });
    expect([moved.status, moved.body.emailVerified]).toEqual([200, false]);
  });

  test.each([
    ['PATCH', '', { name: 'Known' }],
    ['PATCH', '', { status: 'disabled' }],
    ['PUT', '/roles', { roles: [] }],
    ['PATCH', '', { email: 'judged@example.com' }],
  ])(
    'whom an admin changes by %s %s %j is no mere registration, to be tidied away, any more',
    async (method, rest, body) => {
      const { user } = await signUp(one);
      await database.query('UPDATE users SET pending = true WHERE id = $1', [user.id]);
      expect((await asAdmin(method, `/v1/users/${user.id}${rest}`, body)).status).toBe(200);
      expect(await database.query('SELECT pending FROM users WHERE id = $1', [user.id])).toEqual([{ pending: false }]);
    },
  );

  test('a removed user is gone, with every session', async () => {
    const person = await signUp(two);
    expect((await asAdmin('DELETE', `/v1/users/${person.user.id}`)).status).toBe(204);
    expect((await one.call('GET', '/v1/users/me', { token: person.accessToken })).status).toBe(401);
    const there = await waitFor(() => two.call('GET', '/v1/auth/session', { token: person.accessToken }), {
      until: ({ status }) => status === 401,
    });
    expect(there.status).toBe(401);
    expect((await asAdmin('GET', `/v1/users/${person.user.id}`)).status).toBe(404);
    expect((await asAdmin('DELETE', `/v1/users/${person.user.id}`)).status).toBe(404);
  });

  test('an admin sees and ends the sessions of a user', async () => {
    const person = await signUp(one);
    await signIn(one, person.user.email);
    const path = `/v1/users/${person.user.id}/sessions`;
    const list = await asAdmin<Schemas['SessionPage']>('GET', path);
    expect(list.body.items.map(({ current }) => current)).toEqual([false, false]);
    expect((await asAdmin('DELETE', path)).body).toEqual({ revoked: 2 });
    expect((await one.call('GET', '/v1/users/me', { token: person.accessToken })).status).toBe(401);
    expect((await asAdmin('DELETE', path)).body).toEqual({ revoked: 0 });
  });
});

describe('nobody gives what they do not hold', () => {
  let support: SignedUp;
  let keeper: SignedUp;
  let scribe: SignedUp;
  beforeAll(async () => {
    await makeRole(database, 'support', 'users:read', 'users:write');
    await makeRole(database, 'keeper', 'roles:read', 'roles:write');
    await makeRole(database, 'auditor', 'audit:read');
    // As code asks for it with @Roles('scribe'): its power is its name.
    await makeRole(database, 'scribe');
    await makeRole(
      database,
      'nearly-admin',
      ...['users:read', 'users:write', 'roles:read', 'roles:write', 'audit:read', 'stats:read'],
    );
    support = await withRoles(one, database, 'support', 'user');
    keeper = await withRoles(one, database, 'keeper');
    scribe = await withRoles(one, database, 'support', 'scribe', 'user');
  });

  const refused = (answer: Answer<Problem>, what: string) =>
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
      403,
      'forbidden',
      `This needs the ${what}.`,
    ]);

  test.each([
    [
      'to themselves',
      'PUT',
      (): string => `/v1/users/${support.user.id}/roles`,
      { roles: ['support', 'auditor'] },
      'permission audit:read',
    ],
    [
      'a role that counts by its name, to themselves',
      'PUT',
      (): string => `/v1/users/${support.user.id}/roles`,
      { roles: ['support', 'scribe'] },
      'role scribe',
    ],
    [
      'a role that counts by its name, to somebody new',
      'POST',
      (): string => '/v1/users',
      { email: 'x@example.com', roles: ['scribe'] },
      'role scribe',
    ],
    [
      'by taking over who has a role that counts by its name',
      'PATCH',
      (): string => `/v1/users/${scribe.user.id}`,
      { email: 'x@example.com' },
      'role scribe',
    ],
    ['the role admin', 'PUT', (): string => `/v1/users/${support.user.id}/roles`, { roles: ['admin'] }, 'role admin'],
    [
      'to somebody new',
      'POST',
      (): string => '/v1/users',
      { email: 'x@example.com', roles: ['auditor'] },
      'permission audit:read',
    ],
    ['a new admin', 'POST', (): string => '/v1/users', { email: 'x@example.com', roles: ['admin'] }, 'role admin'],
    [
      'by taking over an admin',
      'PATCH',
      (): string => `/v1/users/${admin.user.id}`,
      { email: 'x@example.com' },
      'role admin',
    ],
    [
      'by disabling an admin',
      'PATCH',
      (): string => `/v1/users/${admin.user.id}`,
      { status: 'disabled' },
      'role admin',
    ],
    ['by demoting an admin', 'PUT', (): string => `/v1/users/${admin.user.id}/roles`, { roles: [] }, 'role admin'],
    ['by removing an admin', 'DELETE', (): string => `/v1/users/${admin.user.id}`, undefined, 'role admin'],
    [
      "by ending an admin's sessions",
      'DELETE',
      (): string => `/v1/users/${admin.user.id}/sessions`,
      undefined,
      'role admin',
    ],
    [
      'by changing who holds more',
      'PATCH',
      (): string => `/v1/users/${keeper.user.id}`,
      { email: 'x@example.com' },
      'permission roles:',
    ],
  ] as const)('%s: %s', async (_, method, path, body, what) => {
    const answer = await one.call<Problem>(method, path(), { body, token: support.accessToken });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    expect(answer.body.detail).toContain(what);
  });

  test('not even with every permission there is may one make an admin', async () => {
    const nearly = await withRoles(one, database, 'nearly-admin');
    const body = { roles: ['admin'] };
    refused(
      await one.call('PUT', `/v1/users/${nearly.user.id}/roles`, { body, token: nearly.accessToken }),
      'role admin',
    );
  });

  test('not by editing the role they hold, nor another', async () => {
    const token = keeper.accessToken;
    const body = { permissions: ['roles:read', 'roles:write', 'users:write'] };
    refused(await one.call('PUT', '/v1/roles/keeper', { body, token }), 'permission users:write');
    refused(await one.call('PUT', '/v1/roles/other', { body, token }), 'permission users:write');
    refused(
      await one.call('PUT', '/v1/roles/user', { body: { permissions: ['posts:write'] }, token }),
      'permission posts:write',
    );
    // With a permission in it, it could be given by every user who has that.
    refused(await one.call('PUT', '/v1/roles/scribe', { body: { permissions: ['roles:read'] }, token }), 'role scribe');
    refused(await one.call('DELETE', '/v1/roles/scribe', { token }), 'role scribe');
    const own = await one.call('PUT', '/v1/roles/other', { body: { permissions: ['roles:read'] }, token });
    expect(own.status).toBe(201);
  });

  test('not by emptying a role that holds more, whose holders they could then do with as they like', async () => {
    const token = keeper.accessToken;
    await makeRole(database, 'above', 'roles:read', 'audit:read');
    refused(
      await one.call('PUT', '/v1/roles/above', { body: { permissions: ['roles:read'] }, token }),
      'permission audit:read',
    );
    refused(await one.call('DELETE', '/v1/roles/above', { token }), 'permission audit:read');
    const [role] = await database.query('SELECT permissions FROM roles WHERE name = $1', ['above']);
    expect(role).toEqual({ permissions: ['roles:read', 'audit:read'] });
  });

  test('what they hold they may give', async () => {
    const { user } = await signUp(one);
    const body = { roles: ['support', 'user'] };
    const given = await one.call<User>('PUT', `/v1/users/${user.id}/roles`, { body, token: support.accessToken });
    expect([given.status, given.body.roles]).toEqual([200, ['support', 'user']]);
    const named = await one.call<User>('PUT', `/v1/users/${user.id}/roles`, {
      body: { roles: ['scribe', 'user'] },
      token: scribe.accessToken,
    });
    expect([named.status, named.body.roles]).toEqual([200, ['scribe', 'user']]);
  });
});

describe('roles', () => {
  test('an admin gives an application its own roles and permissions', async () => {
    const made = await asAdmin('PUT', '/v1/roles/editor', {
      description: 'Writes',
      permissions: ['posts:write', 'posts:read'],
    });
    expect([made.status, made.body]).toEqual([
      201,
      { name: 'editor', description: 'Writes', permissions: ['posts:read', 'posts:write'] },
    ]);
    expect((await asAdmin('PUT', '/v1/roles/editor', { permissions: ['posts:read'] })).status).toBe(200);
    const names = (await pages<{ name: string }>('/v1/roles?limit=2')).map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toContain('editor');
  });

  test.each([
    ['DELETE', '/v1/roles/admin', undefined, 409, 'role_protected'],
    ['DELETE', '/v1/roles/user', undefined, 409, 'role_protected'],
    ['PUT', '/v1/roles/admin', { permissions: ['users:read'] }, 409, 'role_protected'],
    ['DELETE', '/v1/roles/nobody', undefined, 404, 'not_found'],
    ['PUT', '/v1/roles/Bad', { permissions: [] }, 400, 'invalid_request'],
    ['PUT', '/v1/roles/bad', { permissions: ['everything'] }, 400, 'invalid_request'],
    ['PUT', '/v1/roles/bad', { permissions: [], admin: true }, 400, 'invalid_request'],
    ['GET', '/v1/roles?cursor=%2F%2F', undefined, 400, 'invalid_request'],
  ])('%s %s with %j is %d %s', async (method, path, body, status, code) => {
    const answer = await asAdmin<Problem>(method, path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('what a role permits counts from the next request on every instance, with the same token', async () => {
    await asAdmin('PUT', '/v1/roles/reader', { permissions: [] });
    const { accessToken: token } = await withRoles(one, database, 'reader');
    const read = (gatehouse: Gatehouse) => gatehouse.call<Problem>('GET', '/v1/users?limit=1', { token });
    const before = await read(one);
    expect([before.status, before.body.detail]).toEqual([403, 'This needs the permission users:read.']);
    await asAdmin('PUT', '/v1/roles/reader', { permissions: ['users:read'] });
    expect((await read(one)).status).toBe(200);
    expect((await waitFor(() => read(two), { until: ({ status }) => status === 200 })).status).toBe(200);
    await database.query(`UPDATE roles SET permissions = '{}' WHERE name = 'reader'`);
    expect((await waitFor(() => read(one), { until: ({ status }) => status === 403 })).status).toBe(403);
    expect((await waitFor(() => read(two), { until: ({ status }) => status === 403 })).status).toBe(403);
  });

  test('a removed role is taken from everybody, and their tokens are stale at once', async () => {
    await asAdmin('PUT', '/v1/roles/passing', { permissions: ['stats:read'] });
    const person = await withRoles(one, database, 'passing', 'user');
    const read = (gatehouse: Gatehouse) =>
      gatehouse.call<Problem>('GET', '/v1/dashboard/stats', { token: person.accessToken });
    expect((await read(two)).status).toBe(200);
    expect((await asAdmin('DELETE', '/v1/roles/passing')).status).toBe(204);
    for (const gatehouse of [one, two]) {
      const answer = await waitFor(() => read(gatehouse), { until: ({ status }) => status !== 200 });
      expect(['token_stale', 'forbidden']).toContain(answer.body.code);
      const stale = await waitFor(() => read(gatehouse), { until: ({ status }) => status === 401 });
      expect(stale.body.code).toBe('token_stale');
    }
    const { body } = await asAdmin<User>('GET', `/v1/users/${person.user.id}`);
    expect(body.roles).toEqual(['user']);
    const trail = await asAdmin<Schemas['AuditPage']>(
      'GET',
      `/v1/audit?userId=${person.user.id}&type=user.roles_changed`,
    );
    expect(trail.body.items[0]).toMatchObject({ actorId: admin.user.id, data: { removed: ['passing'] } });
  });

  test('a role of thousands is taken from all of them in batches, from the actor too, who may remove it by that role', async () => {
    await makeRole(database, 'crowd', 'roles:write');
    const actor = await withRoles(one, database, 'crowd');
    await database.query(
      `WITH many AS (INSERT INTO users (id, email, email_key)
         SELECT gen_random_uuid(), e, e FROM generate_series(1, 2500) n, LATERAL (SELECT 'crowd' || n || '@example.com' AS e) x
         RETURNING id)
       INSERT INTO user_roles SELECT id, 'crowd' FROM many`,
    );
    expect((await one.call('DELETE', '/v1/roles/crowd', { token: actor.accessToken })).status).toBe(204);
    expect(await database.query(`SELECT FROM held_roles WHERE role = 'crowd'`)).toEqual([]);
    // The rows follow, a thousand at a time after the first fifty.
    const told = () =>
      database.query<{ rows: number; users: number; transactions: number }>(
        `SELECT (SELECT count(*) FROM user_roles WHERE role = 'crowd')::integer AS rows,
           count(DISTINCT user_id)::integer AS users, count(DISTINCT xmin::text)::integer AS transactions
         FROM audit_events WHERE type = 'user.roles_changed' AND actor_id = $1 AND data->'removed' ? 'crowd'`,
        [actor.user.id],
      );
    const left = await waitFor(told, { until: ([answer]) => answer?.rows === 0 });
    expect(left).toEqual([{ rows: 0, users: 2501, transactions: 4 }]);
    const [entry] = (await asAdmin<Schemas['AuditPage']>('GET', '/v1/audit?type=role.deleted&limit=1')).body.items;
    expect(entry).toMatchObject({ actorId: actor.user.id, data: { role: 'crowd', users: 2501 } });
  });

  test('new roles make the old token stale on both instances, and refreshing gives them', async () => {
    const person = await signUp(two);
    await asAdmin('PUT', `/v1/users/${person.user.id}/roles`, { roles: ['user', 'editor'] });
    for (const gatehouse of [one, two]) {
      const ask = () => gatehouse.call<Problem>('GET', '/v1/auth/session', { token: person.accessToken });
      expect((await waitFor(ask, { until: ({ status }) => status === 401 })).body.code).toBe('token_stale');
    }
    const { body } = await two.call<SignedUp>('POST', '/v1/auth/refresh', {
      body: { refreshToken: person.refreshToken },
    });
    const who = await one.call<{ user: User }>('GET', '/v1/auth/session', { token: body.accessToken });
    expect(who.body.user.roles).toEqual(['editor', 'user']);
  });
});

test('every change stands in the audit log with its actor, address, agent and request', async () => {
  const headers = { 'user-agent': 'Admin/1', 'x-request-id': 'audit-test' };
  const { body: user } = await asAdmin<User>('POST', '/v1/users', { email: freshEmail(), password: PASSWORD }, headers);
  await signIn(one, user.email);
  const path = `/v1/users/${user.id}`;
  await asAdmin('PATCH', path, { name: 'Changed', email: freshEmail() }, headers);
  await asAdmin('PUT', `${path}/roles`, { roles: ['user', 'editor'] }, headers);
  await asAdmin('DELETE', `${path}/sessions`, undefined, headers);
  await asAdmin('PATCH', path, { status: 'disabled' }, headers);
  await asAdmin('PATCH', path, { status: 'active' }, headers);
  await asAdmin('DELETE', path, undefined, headers);
  const trail = (await pages<Schemas['AuditEntry']>(`/v1/audit?limit=3&userId=${user.id}`)).filter(
    ({ actorId }) => actorId !== user.id,
  );
  expect(trail.map(({ type }) => type)).toEqual([
    ...['user.deleted', 'user.enabled', 'user.disabled', 'session.revoked', 'user.roles_changed', 'user.email_changed'],
    ...['user.updated', 'user.created'],
  ]);
  for (const entry of trail) {
    expect(entry).toMatchObject({
      actorId: admin.user.id,
      ip: '127.0.0.1',
      userAgent: 'Admin/1',
      requestId: 'audit-test',
    });
  }
  expect(JSON.stringify(trail)).not.toContain('@example.com');
  await asAdmin('PUT', '/v1/roles/audited', { permissions: ['users:read'] }, headers);
  await asAdmin('DELETE', '/v1/roles/audited', undefined, headers);
  const [deleted] = (await asAdmin<Schemas['AuditPage']>('GET', '/v1/audit?type=role.deleted&limit=1')).body.items;
  const [saved] = (await asAdmin<Schemas['AuditPage']>('GET', '/v1/audit?type=role.saved&limit=1')).body.items;
  expect(saved).toMatchObject({ actorId: admin.user.id, data: { role: 'audited', added: ['users:read'] } });
  const at = encodeURIComponent(saved?.at ?? '');
  const exact = await pages<Schemas['AuditEntry']>(`/v1/audit?type=role.saved&from=${at}&to=${at}`);
  expect(exact.map(({ id }) => id)).toContain(saved?.id);
  const later = await pages<Schemas['AuditEntry']>(
    `/v1/audit?type=role.deleted&from=${encodeURIComponent(deleted?.at ?? '')}`,
  );
  expect(later.map(({ id }) => id)).toEqual([deleted?.id]);
});

test.each([
  ['/v1/audit?type=nothing'],
  ['/v1/audit?userId=7'],
  ['/v1/audit?from=yesterday'],
  ['/v1/audit?actor=me'],
  ['/v1/dashboard/stats?days=0'],
  ['/v1/dashboard/stats?days=91'],
  ['/v1/dashboard/stats?days=0x1E'],
  ['/v1/dashboard/stats?days=1e1'],
  ['/v1/dashboard/stats?days=%207'],
  ['/v1/dashboard/stats?days='],
  ['/v1/users?query='],
  ['/v1/users?limit=101'],
])('%s is refused', async (path) => {
  expect((await asAdmin<Problem>('GET', path)).status).toBe(400);
});

/**
 * Takes an admin away in one of three ways, on either instance. Asks again as a client does: all of them wait for one lock, on a
 * slow machine longer than a statement may take.
 */
async function takeAway(n: number, userId: string, roles: string[], token: string): Promise<Answer<Problem>> {
  const path = `/v1/users/${userId}`;
  const ways = [
    ['PUT', `${path}/roles`, { roles }],
    ['PATCH', path, { status: 'disabled' }],
    ['DELETE', path, undefined],
  ] as const;
  const [method, target, body] = ways[n % 3] as (typeof ways)[number];
  for (;;) {
    const answer = await (n % 2 ? one : two).call<Problem>(method, target, { body, token });
    if (answer.body?.code !== 'database_unavailable') return answer;
  }
}

test('50 parallel demotions, disablings and removals on two instances leave one admin', async () => {
  const others = await Promise.all(Array.from({ length: 6 }, () => withRoles(one, database, 'admin')));
  const admins = [admin, ...others];
  const blows = Array.from({ length: 50 }, (_, n) => {
    const [by, target] = [admins[n % 7]!, admins[(n * 3 + 1) % 7]!];
    return takeAway(n, target.user.id, ['user'], by.accessToken);
  });
  const answers = await Promise.all(blows);
  const left = await database.query(
    `SELECT u.id FROM users u JOIN user_roles r ON r.user_id = u.id WHERE r.role = 'admin' AND u.status = 'active'`,
  );
  expect(left.length).toBeGreaterThanOrEqual(1);
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  // The admin who is left cannot go either, by any of the three ways.
  await database.query(`DELETE FROM user_roles WHERE role = 'admin' AND user_id <> $1`, [left[0]!.id]);
  const last = admins.find(({ user }) => user.id === left[0]!.id)!;
  const { accessToken: token } = await signIn(one, last.user.email);
  const tries = await Promise.all(Array.from({ length: 48 }, (_, n) => takeAway(n, last.user.id, [], token)));
  expect(new Set(tries.map(({ body }) => body.code))).toEqual(new Set(['last_admin']));
});
