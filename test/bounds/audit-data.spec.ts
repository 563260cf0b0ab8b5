import { withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** What an audit entry may hold is bounded, by the server that writes it and by the database for everybody else. */
let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'off' });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const dataOf = async (type: string, userId: string) =>
  (
    await database.query<{ data: Record<string, unknown> }>(
      'SELECT data FROM audit_events WHERE type = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1',
      [type, userId],
    )
  )[0]?.data;

test('an entry names a hundred of five thousand roles, and says how many they were', async () => {
  const admin = await withRoles(gatehouse, database, 'admin', 'user');
  const { user } = await signUp(gatehouse);
  await database.query(`INSERT INTO roles (name) SELECT 'many-' || n FROM generate_series(1, 5000) AS n`);
  // As an installation may have them from before there was a bound.
  await database.query('ALTER TABLE user_roles DISABLE TRIGGER USER');
  await database.query(`INSERT INTO user_roles SELECT $1, 'many-' || n FROM generate_series(1, 5000) AS n`, [user.id]);
  await database.query('ALTER TABLE user_roles ENABLE TRIGGER USER');
  const answer = await gatehouse.call('PUT', `/v1/users/${user.id}/roles`, {
    token: admin.accessToken,
    body: { roles: ['user'] },
  });
  expect(answer.status).toBe(200);
  const data = await dataOf('user.roles_changed', user.id);
  expect(data).toEqual({ roles: ['user'], before: expect.any(Array), beforeCount: 5_001 });
  expect(data?.before).toHaveLength(100);
});

test('the database takes no entry of more than 32 KiB, by SQL either', async () => {
  const add = (bytes: number) =>
    database.query(
      `INSERT INTO audit_events (id, type, data) VALUES (gen_random_uuid(), 'user.updated', jsonb_build_object('x', repeat('x', $1)))`,
      [bytes],
    );
  await add(32_000);
  await expect(add(33_000)).rejects.toThrow('audit_events_data_bounded');
});

test.each([
  ['user_agent', 4_096],
  ['request_id', 1_024],
])('nor one whose %s has more than %i bytes', async (column, most) => {
  const add = (bytes: number) =>
    database.query(
      `INSERT INTO audit_events (id, type, ${column}) VALUES (gen_random_uuid(), 'user.updated', repeat('x', $1))`,
      [bytes],
    );
  await add(most);
  await expect(add(most + 1)).rejects.toThrow('audit_events_texts_bounded');
});

test('nor one whose type has more than 128', async () => {
  const add = (letters: number) =>
    database.query(`INSERT INTO audit_events (id, type) VALUES (gen_random_uuid(), 'user.' || repeat('x', $1))`, [
      letters,
    ]);
  await add(123);
  await expect(add(124)).rejects.toThrow('audit_events_texts_bounded');
});

test('entries that are as large as they may be do not keep those that follow from their seal', async () => {
  await database.query(
    `INSERT INTO audit_events (id, type, user_agent, data)
     SELECT gen_random_uuid(), 'user.updated', repeat('"', 4096), jsonb_build_object('x', repeat('"', 16000))
     FROM generate_series(1, 1000)`,
  );
  await signUp(gatehouse);
  await waitFor(async () => {
    const [row] = await database.query<{ waiting: number }>('SELECT count(*)::integer AS waiting FROM audit_unsealed');
    return row?.waiting === 0;
  });
});
