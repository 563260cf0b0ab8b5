import { makeRole, withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import type { Schemas } from '../support/schemas.js';
import { freshEmail, refresh, type SignedUp, signIn, signUp, verdict } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** A role that very many hold goes in one moment, and its rows follow. */
const MANY = 3_000;
const ROLE = 'crowd';

let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url };
  [here, there] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
  admin = await withRoles(here, database, 'admin', 'user');
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await database?.drop();
});

const asAdmin = (method: string, path: string, body?: unknown) =>
  here.call<Record<string, never>>(method, path, { body, token: admin.accessToken });

/** So many users who hold the role, made before the users who sign up. */
async function crowd(): Promise<void> {
  await database.query('BEGIN');
  await database.query(
    `INSERT INTO users (id, email, email_key)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), 'c' || n || '@crowd.test', 'c' || n || '@crowd.test'
     FROM generate_series(1, $1::integer) AS n`,
    [MANY],
  );
  await database.query(`INSERT INTO user_roles SELECT id, $1 FROM users WHERE email LIKE '%@crowd.test'`, [ROLE]);
  await database.query('COMMIT');
}

const rowsOfRole = async () => (await database.query('SELECT FROM user_roles WHERE role = $1', [ROLE])).length;
const holdersShown = async () => {
  const answer = await here.call<Schemas['UserPage']>('GET', `/v1/users?role=${ROLE}`, { token: admin.accessToken });
  return answer.body.items.map(({ id }) => id);
};
const entries = () =>
  database.query<{ user_id: string; actor_id: string }>(
    `SELECT user_id, actor_id FROM audit_events WHERE type = 'user.roles_changed' AND data = $1`,
    [{ removed: [ROLE] }],
  );

describe('a role that very many hold', () => {
  let holder: SignedUp;
  let late: SignedUp;

  beforeAll(async () => {
    await makeRole(database, ROLE, 'users:read');
    await crowd();
    holder = await withRoles(there, database, ROLE, 'user');
    late = await signUp(here, { email: freshEmail() });
    // One whom the sweep meets first is locked by others, so that it stands still.
    await database.query('BEGIN');
    await database.query(`SELECT FROM users WHERE email = 'c1000@crowd.test' FOR UPDATE`);
    expect(await verdict(here, holder.accessToken, '/v1/users')).toBe('ok');
    expect((await asAdmin('DELETE', `/v1/roles/${ROLE}`)).status).toBe(204);
  });

  afterAll(() => database.query('ROLLBACK'));

  test('is dead on every instance while its rows are there', async () => {
    expect(await rowsOfRole()).toBeGreaterThan(MANY / 2);
    expect(await verdict(here, holder.accessToken, '/v1/users')).toBe('token_stale');
    await waitFor(async () => (await verdict(there, holder.accessToken, '/v1/users')) === 'token_stale');
    const next = await refresh(there, holder.refreshToken);
    expect(await verdict(here, next.body.accessToken)).toBe('ok');
    expect(await verdict(here, next.body.accessToken, '/v1/users')).toBe('forbidden');
    expect((await signIn(here, holder.user.email)).user.roles).toEqual(['user']);
    expect(await holdersShown()).toEqual([]);
    expect((await asAdmin('DELETE', `/v1/roles/${ROLE}`)).status).toBe(404);
  });

  test('made anew under its name meanwhile, is another role: nobody gets it back', async () => {
    expect((await asAdmin('PUT', `/v1/roles/${ROLE}`, { permissions: ['users:read', 'audit:read'] })).status).toBe(201);
    const again = await signIn(there, holder.user.email);
    expect(again.user.roles).toEqual(['user']);
    expect(await verdict(there, again.accessToken, '/v1/users')).toBe('forbidden');
    expect(await verdict(here, holder.accessToken, '/v1/users')).toBe('token_stale');
    expect(await holdersShown()).toEqual([]);
  });

  test('can be given anew, also to one whose dead row is still there', async () => {
    for (const { user } of [late, holder]) {
      const given = await asAdmin('PUT', `/v1/users/${user.id}/roles`, { roles: ['user', ROLE] });
      expect([given.status, (given.body as unknown as Schemas['User']).roles]).toEqual([200, [ROLE, 'user']]);
    }
    expect((await holdersShown()).sort()).toEqual([holder.user.id, late.user.id].sort());
    const { user } = await signIn(there, late.user.email);
    expect(user.roles).toEqual([ROLE, 'user']);
  });

  test('its dead rows do not count against what a user may hold', async () => {
    const [one] = await database.query<{ id: string }>(`SELECT id FROM users WHERE email = 'c2500@crowd.test'`);
    await database.query(`INSERT INTO roles (name) SELECT 'many-' || n FROM generate_series(1, 65) AS n`);
    const give = (most: number) =>
      database.query(
        `INSERT INTO user_roles SELECT $1, 'many-' || n FROM generate_series(1, $2::integer) AS n ON CONFLICT DO NOTHING`,
        [one?.id, most],
      );
    await database.query('SAVEPOINT crowded');
    await give(64);
    await expect(give(65)).rejects.toThrow('64 roles');
    await database.query('ROLLBACK TO SAVEPOINT crowded');
  });

  test('its rows go in the end, with an entry for each, and those of the new role stay', async () => {
    await database.query('ROLLBACK');
    await waitFor(async () => (await rowsOfRole()) === 2);
    expect((await holdersShown()).sort()).toEqual([holder.user.id, late.user.id].sort());
    const told = await entries();
    // The holder lost it by being given the new one.
    expect(told.length).toBe(MANY);
    expect(new Set(told.map(({ actor_id }) => actor_id))).toEqual(new Set([admin.user.id]));
    await waitFor(async () => (await database.query('SELECT FROM role_removals WHERE swept_at IS NULL')).length === 0);
  }, 60_000);
});

test('by SQL a role goes the same way, and a built-in one does not while it is held', async () => {
  await makeRole(database, 'typed');
  const person = await withRoles(here, database, 'typed', 'user');
  await database.query(`DELETE FROM roles WHERE name = 'typed'`);
  await waitFor(async () => (await verdict(there, person.accessToken)) === 'token_stale');
  await waitFor(async () => (await database.query(`SELECT FROM user_roles WHERE role = 'typed'`)).length === 0);
  await expect(database.query(`DELETE FROM roles WHERE name = 'user'`)).rejects.toMatchObject({ code: '23503' });
  await expect(database.query(`INSERT INTO user_roles VALUES ($1, 'typed')`, [person.user.id])).rejects.toMatchObject({
    code: '23503',
    constraint: 'user_roles_role_fk',
  });
});

test('a role that is called otherwise by SQL keeps its holders', async () => {
  await makeRole(database, 'former-name');
  const person = await withRoles(here, database, 'former-name');
  await database.query(`UPDATE roles SET name = 'new-name' WHERE name = 'former-name'`);
  expect((await signIn(here, person.user.email)).user.roles).toEqual(['new-name']);
});

test('sessions that ended with the role stay ended while its rows are swept', async () => {
  await makeRole(database, 'ended');
  const person = await withRoles(here, database, 'ended', 'user');
  await database.query('BEGIN');
  await database.query(`INSERT INTO epochs (role, floor) VALUES ('ended', first_id_after($1))`, [person.session.id]);
  await database.query(`UPDATE sessions SET revoked_at = NULL WHERE id = $1`, [person.session.id]);
  await database.query(`DELETE FROM roles WHERE name = 'ended'`);
  await database.query('COMMIT');
  expect((await refresh(there, person.refreshToken)).code).toBe('session_revoked');
  await waitFor(async () => (await database.query(`SELECT FROM user_roles WHERE role = 'ended'`)).length === 0);
  expect((await refresh(here, person.refreshToken)).code).toBe('session_revoked');
});
