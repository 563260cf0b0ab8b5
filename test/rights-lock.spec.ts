import { makeRole, withRoles } from './support/admins.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { served } from './support/served.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signIn, signUp } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** What waits for the one lock on rights, and what must not; and that nothing is lost by it, on two instances. */
const LOCK = 4_711_003;

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

/**
 * The n-th of many requests, from one instance and the other in turns. Many wait for one lock, and on a busy machine the last of
 * them longer than a request may.
 */
const nth = (n: number, method: string, path: string, body?: unknown, token = admin.accessToken) =>
  served(() => (n % 2 ? one : two).call<Problem>(method, path, { body, token }));

/** Runs something while a change of rights is under way elsewhere. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  await database.query('SELECT pg_advisory_lock($1)', [LOCK]);
  try {
    return await work();
  } finally {
    await database.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  }
}

const waiting = () =>
  database.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted`, [LOCK]);

describe('while a change of rights is under way', () => {
  it('what changes nobody’s rights does not wait', async () => {
    const { user } = await signUp(one, { email: freshEmail() });
    const path = `/v1/users/${user.id}`;
    const statuses = await whileLocked(async () => [
      (await nth(0, 'PATCH', path, { name: 'Renamed' })).status,
      (await nth(1, 'DELETE', `${path}/sessions`)).status,
      (await nth(2, 'POST', '/v1/users', { email: freshEmail(), password: PASSWORD })).status,
    ]);
    expect(statuses).toEqual([200, 200, 201]);
  });

  it.each<[string, (path: string) => [string, string, unknown?]]>([
    ['a status', (path) => ['PATCH', path, { status: 'disabled' }]],
    ['roles', (path) => ['PUT', `${path}/roles`, { roles: [] }]],
    ['a deletion', (path) => ['DELETE', path]],
  ])('%s of an admin waits, and of anybody else does not', async (_, request) => {
    const { user } = await signUp(one, { email: freshEmail() });
    const other = await withRoles(one, database, 'admin', 'user');
    const answer = await whileLocked(async () => {
      expect((await nth(0, ...request(`/v1/users/${user.id}`))).status).toBeLessThan(300);
      const asked = nth(0, ...request(`/v1/users/${other.user.id}`));
      await waitFor(async () => (await waiting()).length > 0);
      return { asked };
    });
    expect((await answer.asked).status).toBeLessThan(300);
  });

  it('a change of what a role permits waits', async () => {
    const answer = await whileLocked(async () => {
      const asked = nth(0, 'PUT', '/v1/roles/waiting', { permissions: ['users:read'] });
      await waitFor(async () => (await waiting()).length > 0);
      return { asked };
    });
    expect((await answer.asked).status).toBeLessThan(300);
  });

  it('an admin who leaves waits, and a user does not', async () => {
    const leavers = { user: await withRoles(one, database, 'user'), admin: await withRoles(one, database, 'admin') };
    const leave = ({ accessToken }: SignedUp) => nth(0, 'DELETE', '/v1/users/me', { password: PASSWORD }, accessToken);
    const answer = await whileLocked(async () => {
      expect((await leave(leavers.user)).status).toBe(204);
      const asked = leave(leavers.admin);
      await waitFor(async () => (await waiting()).length > 0);
      return { asked };
    });
    expect((await answer.asked).status).toBe(204);
  });
});

test('50 parallel removals by two who remove each other: one goes and one stays', async () => {
  await makeRole(database, 'remover', 'users:read', 'users:write');
  const both = [await withRoles(one, database, 'remover'), await withRoles(one, database, 'remover')] as const;
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => {
      const [by, target] = n % 4 < 2 ? both : ([both[1], both[0]] as const);
      return nth(n, 'DELETE', `/v1/users/${target.user.id}`, undefined, by.accessToken);
    }),
  );
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  const left = await database.query('SELECT FROM users WHERE id = ANY ($1)', [both.map(({ user }) => user.id)]);
  expect(left).toHaveLength(1);
});

test('50 parallel changes by two who empty each other’s role: one can change roles afterwards', async () => {
  for (const name of ['keeper-a', 'keeper-b']) await makeRole(database, name, 'roles:read', 'roles:write');
  const both = [await withRoles(one, database, 'keeper-a'), await withRoles(one, database, 'keeper-b')] as const;
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => {
      const [by, target] = n % 4 < 2 ? ([both[0], 'keeper-b'] as const) : ([both[1], 'keeper-a'] as const);
      return nth(n, 'PUT', `/v1/roles/${target}`, { permissions: [] }, by.accessToken);
    }),
  );
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  const roles = await database.query<{ permissions: string[] }>(
    `SELECT permissions FROM roles WHERE name IN ('keeper-a', 'keeper-b') ORDER BY cardinality(permissions)`,
  );
  expect(roles.map(({ permissions }) => permissions.length)).toEqual([0, 2]);
});

test('50 parallel renamings, users to come, deletions and the removal of their role end without an error', async () => {
  await makeRole(database, 'passing');
  const holders = await Promise.all(Array.from({ length: 10 }, () => withRoles(one, database, 'user', 'passing')));
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => {
      const { user, accessToken } = holders[n % 10]!;
      const path = `/v1/users/${user.id}`;
      if (n === 25) return nth(n, 'DELETE', '/v1/roles/passing');
      if (n % 5 === 0)
        return nth(n, 'POST', '/v1/users', { email: freshEmail(), password: PASSWORD, roles: ['passing'] });
      if (n % 5 === 1) return nth(n, 'PATCH', path, { name: `Name ${n}` });
      if (n % 5 === 2) return nth(n, 'PUT', `${path}/roles`, { roles: ['user', 'passing'] });
      if (n % 5 === 3) return nth(n, 'DELETE', `${path}/sessions`);
      return nth(n, 'DELETE', '/v1/users/me', { password: PASSWORD }, accessToken);
    }),
  );
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  expect(answers[25]?.status).toBe(204);
  const lost = await database.query(`SELECT FROM held_roles WHERE role = 'passing'`);
  expect(lost).toEqual([]);
  expect((await signIn(one, admin.user.email)).user.id).toBe(admin.user.id);
});

test('a role that is made while a user is added with it is judged, or not there: never given unjudged', async () => {
  const inviter = await makeRole(database, 'inviter', 'users:write').then(() => withRoles(one, database, 'inviter'));
  for (let round = 0; round < 10; round++) {
    const role = `late-${round}`;
    const emails = Array.from({ length: 8 }, () => freshEmail());
    const [made, ...added] = await Promise.all([
      nth(0, 'PUT', `/v1/roles/${role}`, { permissions: ['roles:write'] }),
      ...emails.map((email, n) =>
        nth(n, 'POST', '/v1/users', { email, password: PASSWORD, roles: [role] }, inviter.accessToken),
      ),
    ]);
    expect(made?.status).toBe(201);
    expect(added.filter(({ status }) => ![400, 403].includes(status))).toEqual([]);
  }
});
