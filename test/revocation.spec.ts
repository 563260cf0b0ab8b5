import { slowdown } from './support/cpu-time.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { freshEmail, refresh, type SignedUp, signIn, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** What ends a session on one instance is felt on every other within a second, on the same one at once, and for good. */
const ADMIN = { BOOTSTRAP_ADMIN_EMAIL: 'root@example.com', BOOTSTRAP_ADMIN_PASSWORD: 'nine violet tractors' };

let database: TestDatabase;
let here: GatehouseProcess;
let there: GatehouseProcess;
/** Looks four times a second and listens to nothing. */
let far: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase({ empty: true });
  // Both at once on an empty database: who migrates, makes the key and the admin is settled between them.
  [here, there] = await Promise.all([
    GatehouseProcess.start({ DATABASE_URL: database.url, ...ADMIN }),
    GatehouseProcess.start({ DATABASE_URL: database.url, ...ADMIN }),
  ]);
  far = await GatehouseProcess.start({ DATABASE_URL: database.url, REVOCATION_FEED: 'poll', ...ADMIN });
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop(), far?.stop()]);
  await database?.drop();
});

test('two that start at once on an empty database migrate once, make one key and one admin', async () => {
  const migrations = await database.query<{ name: string }>('SELECT name FROM migrations');
  expect(new Set(migrations.map(({ name }) => name)).size).toBe(migrations.length);
  expect(await database.query('SELECT FROM signing_keys')).toHaveLength(1);
  expect(await database.query(`SELECT FROM user_roles WHERE role = 'admin'`)).toHaveLength(1);
  expect(await database.query(`SELECT FROM audit_events WHERE type = 'user.created'`)).toHaveLength(1);
  const announced = [here, there].filter(({ output }) => output.includes('The first admin'));
  expect(announced).toHaveLength(1);
  for (const server of [here, there]) expect(server.output).not.toContain(ADMIN.BOOTSTRAP_ADMIN_PASSWORD);
  const admin = await signIn(here, 'ROOT@example.com', ADMIN.BOOTSTRAP_ADMIN_PASSWORD);
  expect(admin.user.roles).toEqual(['admin', 'user']);
  expect(await verdict(there, admin.accessToken)).toBe('ok');
});

/** Every way to end the session of the first of two devices; the number says how many of the two it ends. */
const ENDS: [string, number, (device: SignedUp, other: SignedUp) => Promise<unknown>][] = [
  ['logout', 1, ({ accessToken: token }) => here.call('POST', '/v1/auth/logout', { token })],
  [
    'logout by the refresh token alone',
    1,
    ({ refreshToken }) => here.call('POST', '/v1/auth/logout', { body: { refreshToken } }),
  ],
  [
    'DELETE of the session by another device',
    1,
    ({ session }, { accessToken: token }) => here.call('DELETE', `/v1/sessions/${session.id}`, { token }),
  ],
  [
    'logout-all that keeps the other device',
    1,
    (_, { accessToken: token }) => here.call('POST', '/v1/auth/logout-all', { token, body: { keepCurrent: true } }),
  ],
  ['logout-all', 2, ({ accessToken: token }) => here.call('POST', '/v1/auth/logout-all', { token })],
];

/** The same by SQL typed by hand: $1 is the session, $2 its user. */
const STATEMENTS: [string, number, string][] = [
  ['UPDATE of a session', 1, 'UPDATE sessions SET revoked_at = now() WHERE id = $1 AND user_id = $2'],
  [
    'UPDATE of a session with a time long past',
    1,
    `UPDATE sessions SET revoked_at = '2001-01-01' WHERE id = $1 AND user_id = $2`,
  ],
  ['DELETE of a session', 1, 'DELETE FROM sessions WHERE id = $1 AND user_id = $2'],
  ['DELETE of all sessions', 2, 'DELETE FROM sessions WHERE user_id = $2 AND $1::uuid IS NOT NULL'],
  ['disabling', 2, `UPDATE users SET status = 'disabled' WHERE id = $2 AND $1::uuid IS NOT NULL`],
  ['DELETE of the user', 2, 'DELETE FROM users WHERE id = $2 AND $1::uuid IS NOT NULL'],
];

/** Somebody on two devices, each token seen by both instances before. */
async function twoDevices(): Promise<[SignedUp, SignedUp]> {
  const device = await signUp(here);
  const other = await signIn(here, device.user.email);
  for (const server of [here, there, far])
    for (const { accessToken } of [device, other]) expect(await verdict(server, accessToken)).toBe('ok');
  return [device, other];
}

/** How often each kind is tried. */
const RUNS = 3;

/** How long it took to be felt, in milliseconds, for each kind of end. */
const latencies = new Map<string, number[]>();

/** Waits until these servers refuse the token, all from this moment on, and notes what the last one took. */
async function felt(kind: string, servers: GatehouseProcess[], token: string, code: string): Promise<void> {
  const began = performance.now();
  await Promise.all(servers.map((server) => waitFor(async () => (await verdict(server, token)) === code)));
  const took = performance.now() - began;
  // On a machine that others use too, only what it gave to this run counts.
  latencies.set(kind, [...(latencies.get(kind) ?? []), took < 1_000 ? took : took / (await slowdown())]);
}

/** Tries something as often as its latency is measured. */
async function repeatedly(run: () => Promise<void>): Promise<void> {
  for (let i = 0; i < RUNS; i++) await run();
}

const ended: SignedUp[] = [];

describe('what an instance does itself', () => {
  test.each(ENDS)('%s', (kind, count, end) =>
    repeatedly(async () => {
      const [device, other] = await twoDevices();
      await end(device, other);
      expect(await verdict(here, device.accessToken)).toBe('session_revoked');
      await felt(kind, [there, far], device.accessToken, 'session_revoked');
      expect((await refresh(there, device.refreshToken)).code).toBe('session_revoked');
      for (const server of [here, there, far])
        expect(await verdict(server, other.accessToken)).toBe(count === 2 ? 'session_revoked' : 'ok');
      ended.push(device);
    }),
  );
});

describe('what somebody does by SQL', () => {
  test.each(STATEMENTS)('%s', (kind, count, sql) =>
    repeatedly(async () => {
      const [device, other] = await twoDevices();
      await database.query(sql, [device.session.id, device.user.id]);
      await felt(kind, [here, there, far], device.accessToken, 'session_revoked');
      expect((await refresh(there, device.refreshToken)).code).toBe('session_revoked');
      for (const server of [here, there, far])
        expect(await verdict(server, other.accessToken)).toBe(count === 2 ? 'session_revoked' : 'ok');
      ended.push(device);
    }),
  );

  test('an ended session cannot be brought back', async () => {
    const [device] = await twoDevices();
    await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [device.session.id]);
    await database.query('UPDATE sessions SET revoked_at = NULL WHERE id = $1', [device.session.id]);
    expect((await refresh(here, device.refreshToken)).code).toBe('session_revoked');
    await felt('UPDATE of a session', [there, far], device.accessToken, 'session_revoked');
  });

  test('what is rolled back is not felt', async () => {
    const [device] = await twoDevices();
    const [later] = await twoDevices();
    await database.query('BEGIN');
    await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [device.session.id]);
    await database.query('ROLLBACK');
    await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [later.session.id]);
    await felt('UPDATE of a session', [there, far], later.accessToken, 'session_revoked');
    expect(await verdict(there, device.accessToken)).toBe('ok');
  });

  test('ten thousand sessions at once', () =>
    repeatedly(async () => {
      const [device] = await twoDevices();
      await database.query(
        `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
         SELECT gen_random_uuid(), $1, sha256('x'), now() + interval '1 day', '{}' FROM generate_series(1, 10000)`,
        [device.user.id],
      );
      await database.query('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [device.user.id]);
      await felt('ten thousand at once', [here, there, far], device.accessToken, 'session_revoked');
    }));
});

describe('a change of roles', () => {
  test.each([
    ['given', `INSERT INTO user_roles VALUES ($1, 'admin')`, ['admin', 'user']],
    ['taken', `DELETE FROM user_roles WHERE user_id = $1`, []],
    ['replaced', `UPDATE user_roles SET role = 'admin' WHERE user_id = $1`, ['admin']],
  ])('%s: the token is stale, and refresh gives the new roles', (kind, sql, roles) =>
    repeatedly(async () => {
      const [device] = await twoDevices();
      await database.query(sql, [device.user.id]);
      await felt(`a role ${kind}`, [here, there, far], device.accessToken, 'token_stale');
      const { body } = await refresh(there, device.refreshToken);
      for (const server of [here, there, far]) {
        const who = await server.call<{ user: { roles: string[] } }>('GET', '/v1/auth/session', {
          token: body.accessToken,
        });
        expect([who.status, who.body.user?.roles]).toEqual([200, roles]);
      }
      expect(await verdict(there, device.accessToken)).toBe('token_stale');
    }),
  );

  test('is told by a transaction that began before the account was made, too', async () => {
    await database.query('BEGIN');
    await database.query('SELECT now()');
    const [device] = await twoDevices();
    await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [device.user.id]);
    await database.query('COMMIT');
    await felt('a role given', [here, there, far], device.accessToken, 'token_stale');
  });

  test('is forgotten for no notification that somebody makes up', async () => {
    const [device] = await twoDevices();
    const [bystander] = await twoDevices();
    const [marker] = await twoDevices();
    await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [device.user.id]);
    await felt('a role given', [here, there, far], device.accessToken, 'token_stale');
    // Anybody who may connect to the database can notify: nobody is signed out by it.
    for (const { session } of [device, bystander])
      await database.query(`SELECT pg_notify('gatehouse', 'session ' || $1)`, [session.id]);
    await database.query(`SELECT pg_notify('gatehouse', 'pulse'), pg_notify('gatehouse', 'roles')`);
    // The first ones would raise what is in memory; the others lower it again.
    for (const ver of [
      '2',
      '4294967297',
      '9999999999',
      '2147483648',
      'Infinity',
      '4294967296',
      '-1',
      '0',
      '1.5',
      '',
      'x',
    ])
      for (const { user } of [device, bystander])
        await database.query(`SELECT pg_notify('gatehouse', 'user ' || $1 || ' ' || $2)`, [user.id, ver]);
    // An instance that has heard of this one has looked since.
    await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [marker.session.id]);
    await felt('UPDATE of a session', [here, there, far], marker.accessToken, 'session_revoked');
    for (const server of [here, there, far]) {
      expect(await verdict(server, device.accessToken)).toBe('token_stale');
      expect(await verdict(server, bystander.accessToken)).toBe('ok');
    }
  });

  test('nobody else’s token is stale', async () => {
    const [device] = await twoDevices();
    const [bystander] = await twoDevices();
    await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [device.user.id]);
    await felt('a role given', [there, far], device.accessToken, 'token_stale');
    expect(await verdict(there, bystander.accessToken)).toBe('ok');
  });

  test('a stale token does nothing: not even what needs no role', async () => {
    const [device] = await twoDevices();
    await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [device.user.id]);
    await felt('a role given', [here], device.accessToken, 'token_stale');
    for (const path of ['/v1/users/me', '/v1/sessions', '/v1/dashboard'])
      expect(await verdict(here, device.accessToken, path)).toBe('token_stale');
  });
});

test('after a restart everything ended is still refused, and everything else goes on', async () => {
  const living = await signUp(here);
  const stale = await signUp(here);
  await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [stale.user.id]);
  await Promise.all([here.stop(), there.stop(), far.stop()]);
  [here, there, far] = await Promise.all([
    GatehouseProcess.start({ DATABASE_URL: database.url, ...ADMIN }),
    GatehouseProcess.start({ DATABASE_URL: database.url, ...ADMIN }),
    GatehouseProcess.start({ DATABASE_URL: database.url, REVOCATION_FEED: 'poll', ...ADMIN }),
  ]);
  expect(ended.length).toBe((ENDS.length + STATEMENTS.length) * RUNS);
  for (const server of [here, there, far]) {
    for (const { accessToken } of ended) expect(await verdict(server, accessToken)).toBe('session_revoked');
    expect(await verdict(server, stale.accessToken)).toBe('token_stale');
    expect(await verdict(server, living.accessToken)).toBe('ok');
    expect(server.output).not.toContain('The first admin');
  }
  expect((await refresh(there, living.refreshToken)).code).toBe('ok');
  expect(await database.query('SELECT FROM signing_keys')).toHaveLength(1);
});

test('logging out twice, or with a token of a session that ended, is no way back', async () => {
  const { accessToken, refreshToken, user } = await signUp(here, { email: freshEmail() });
  const out = (options: object) => here.call<{ code?: string }>('POST', '/v1/auth/logout', options);
  expect((await out({ token: accessToken })).status).toBe(200);
  expect((await out({ token: accessToken })).body.code).toBe('session_revoked');
  expect((await out({ body: { refreshToken } })).status).toBe(200);
  expect((await out({ body: { refreshToken: `${refreshToken.slice(0, -1)}!` } })).body.code).toBe(
    'invalid_refresh_token',
  );
  expect((await out({})).body.code).toBe('unauthorized');
  const events = await database.query(`SELECT FROM audit_events WHERE user_id = $1 AND type = 'auth.logout'`, [
    user.id,
  ]);
  expect(events).toHaveLength(1);
});

test('all of it was felt within a second, of whatever kind', () => {
  const worst = [...latencies].map(([kind, each]) => [kind, Math.max(...each)] as const);
  expect(worst).toHaveLength(ENDS.length + STATEMENTS.length + 4);
  expect(worst.filter(([, milliseconds]) => milliseconds >= 1_000)).toEqual([]);
  for (const each of latencies.values()) expect(each.length).toBeGreaterThanOrEqual(RUNS);
});
