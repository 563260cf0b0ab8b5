import { cliJson } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { freshEmail, PASSWORD, signUp, type User } from './support/users.js';

/** Of what kind the audit log says that the actor of an entry is. */
const ROOT = 'root@actors.test';

let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    BOOTSTRAP_ADMIN_EMAIL: ROOT,
    BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** What there is about a user, oldest first. */
const entriesOf = (userId: string) =>
  database.query(
    `SELECT e.type, e.actor_kind, e.actor_id, e.ip IS NOT NULL AND e.request_id IS NOT NULL AS "from", e.data
     FROM audit_events e WHERE e.user_id = $1 ORDER BY e.id`,
    [userId],
  );

const idOf = async (email: string): Promise<string> => {
  const [row] = await database.query<{ id: string }>('SELECT id FROM users WHERE email = $1', [email]);
  return row?.id ?? '';
};

const operator = expect.stringMatching(/^cli:\w/);
const BY_OPERATOR = { actor_kind: 'operator', actor_id: null, from: false };

test('the first admin is made by the system, from nowhere', async () => {
  expect(await entriesOf(await idOf(ROOT))).toEqual([
    { type: 'user.created', actor_kind: 'system', actor_id: null, from: false, data: { roles: ['admin', 'user'] } },
  ]);
});

test('what a user does is the user’s; a request with a wrong password is anonymous', async () => {
  const { user } = await signUp(gatehouse);
  await gatehouse.call('POST', '/v1/auth/login', { body: { email: user.email, password: 'not the one at all' } });
  expect(await entriesOf(user.id)).toEqual([
    { type: 'auth.registered', actor_kind: 'user', actor_id: user.id, from: true, data: {} },
    {
      type: 'auth.login_failed',
      actor_kind: 'anonymous',
      actor_id: null,
      from: true,
      data: { code: 'invalid_credentials' },
    },
  ]);
});

test('the command line is an operator with a name, also for what gives way to it', async () => {
  const email = freshEmail();
  const { user } = await signUp(gatehouse, { email });
  await database.query('UPDATE users SET pending = true WHERE id = $1', [user.id]);
  const made = await cliJson<User>(database.url, ['users:create', email]);
  expect(await entriesOf(made.id)).toEqual([
    { type: 'user.created', ...BY_OPERATOR, data: { roles: ['user'], operator } },
    { type: 'user.invited', ...BY_OPERATOR, data: { operator } },
  ]);
  expect((await entriesOf(user.id)).at(-1)).toEqual({
    type: 'user.deleted',
    ...BY_OPERATOR,
    data: { unconfirmed: true, operator },
  });
});

const ID = '00000000-0000-7000-8000-000000000001';
const entry = (columns: string) =>
  `SELECT actor_kind(jsonb_populate_record(NULL::audit_events, jsonb_build_object('data', '{}'::jsonb) || '${columns}')) AS kind`;

test.each([
  [{ actor_id: ID, data: { operator: 'cli:root' } }, 'user'],
  [{ data: { operator: 'cli:root' }, ip: '::1', request_id: 'r' }, 'operator'],
  [{ data: { name: 'operator' } }, 'system'],
  [{ user_id: ID }, 'system'],
  [{ ip: '::1' }, 'anonymous'],
  [{ request_id: 'r' }, 'anonymous'],
])('%j is %s', async (columns, kind) => {
  expect(await database.query(entry(JSON.stringify(columns)))).toEqual([{ kind }]);
});

test('a search_path with other operators changes nothing of it', async () => {
  await database.query(`
    CREATE SCHEMA mine;
    CREATE FUNCTION mine.never(jsonb, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
    CREATE OPERATOR mine.? (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = mine.never);
    SET search_path = mine, gatehouse, pg_catalog`);
  const answer = await database.query(entry(JSON.stringify({ data: { operator: 'cli:root' } })));
  await database.query('RESET search_path');
  expect(answer).toEqual([{ kind: 'operator' }]);
});
