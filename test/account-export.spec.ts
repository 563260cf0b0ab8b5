import { randomBytes } from 'node:crypto';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import type { Schemas } from './support/schemas.js';
import { SlowReader } from './support/slow-reader.js';
import { type Problem, type SignedUp, signIn, signUp } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The export is read from the database as it is taken, in pages, and is whole or visibly broken off. */
const PATH = '/v1/users/me/export';
/** Rows of a page, and some more than two of them. */
const ROWS = 230;

type Export = Schemas['AccountExport'];

let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'off' };
  [here, there] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await database?.drop();
});

/** Entries about a user as if they had been written long ago, each with so many bytes of data. */
async function addActivity(userId: string, count: number, bytes = 10): Promise<void> {
  await database.query(
    `INSERT INTO audit_events (id, type, actor_id, user_id, data)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), 'user.updated', $1, $1,
       jsonb_build_object('fields', repeat('x', $3::integer))
     FROM generate_series(1, $2::integer) AS n`,
    [userId, count, bytes],
  );
}

/** Rows of a user of whom more is stored than fits on the way to a client that does not read. */
const MANY = 2_000;

async function large(): Promise<SignedUp> {
  const person = await signUp(here);
  await addActivity(person.user.id, MANY, 4_000);
  return person;
}

const begin = (gatehouse: Gatehouse, { accessToken }: SignedUp) => SlowReader.open(gatehouse.url + PATH, accessToken);
const ask = (gatehouse: Gatehouse, { accessToken: token }: SignedUp) =>
  gatehouse.call<Export & Problem>('GET', PATH, { token });
const claimsOf = ({ user }: SignedUp) => database.query('SELECT FROM account_exports WHERE user_id = $1', [user.id]);
const isReleased = (person: SignedUp) => waitFor(async () => (await claimsOf(person)).length === 0);

test('whatever takes several pages is there once, in order', async () => {
  const person = await signUp(here);
  const { id, email } = person.user;
  await addActivity(id, ROWS);
  await database.query(
    `INSERT INTO audit_events (id, type, actor_id, user_id)
     SELECT new_id_at(now() - interval '1 day' + n * interval '2 ms'), 'user.updated', $1, gen_random_uuid()
     FROM generate_series(1, $2::integer) AS n`,
    [id, ROWS],
  );
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), $1, sha256('x'), now(), '{}'
     FROM generate_series(1, $2::integer) AS n`,
    [id, ROWS],
  );
  // Some of them at the same moment, so that the hash alone tells them apart.
  await database.query(
    `INSERT INTO one_time_tokens (hash, purpose, owner_id, email, email_key, created_at, expires_at)
     SELECT sha256(n::text::bytea), 'undo_email_change', $1, n || $3, n || $3,
       now() - (n / 7) * interval '1 microsecond', now() + interval '1 day'
     FROM generate_series(1, $2::integer) AS n`,
    [id, ROWS, email],
  );
  await database.query(
    `INSERT INTO known_addresses (user_id, network) SELECT $1, '10.0.0.0'::inet + n FROM generate_series(1, $2::integer) AS n`,
    [id, ROWS],
  );
  const { body, headers } = await ask(here, person);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');

  const ids = async (sql: string) => (await database.query<{ id: string }>(sql, [id])).map((row) => row.id);
  expect(body.activity.map((entry) => entry.id)).toEqual(
    await ids('SELECT id FROM audit_events WHERE user_id = $1 OR actor_id = $1 ORDER BY id DESC'),
  );
  expect(body.sessions.map((session) => session.id)).toEqual(
    await ids('SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC'),
  );
  expect(body.mailedLinks.map((link) => link.email)).toEqual(
    await ids('SELECT email AS id FROM one_time_tokens WHERE owner_id = $1 ORDER BY created_at DESC, hash DESC'),
  );
  expect(body.knownAddresses.map(({ network }) => network).sort()).toEqual(
    (await ids('SELECT network::text AS id FROM known_addresses WHERE user_id = $1')).sort(),
  );
  expect(Object.keys(body.mailedLinks[0] ?? {}).sort()).toEqual(['createdAt', 'email', 'expiresAt', 'purpose']);
});

test('mails that another APP_SECRET encrypted are left out, a page of them too, and what follows is not', async () => {
  const person = await signUp(here);
  await database.query(
    `INSERT INTO mail_outbox (id, kind, sealed, recipient, due_at)
     SELECT new_id_at(now() + n * interval '1 s'), kind, $1, recipient, due_at
     FROM mail_outbox, generate_series(1, $2::integer) AS n WHERE recipient = (SELECT recipient FROM mail_outbox ORDER BY id DESC LIMIT 1)`,
    [randomBytes(64), ROWS],
  );
  expect((await ask(here, person)).body.mails).toHaveLength(1);
});

test('one at a time for an account, on all instances together; the next may begin once it is read', async () => {
  const person = await large();
  const first = await begin(here, person);
  expect(first.status).toBe(200);
  for (const instance of [here, there]) {
    const refused = await ask(instance, person);
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('content-disposition')).toBeNull();
  }
  const received = await first.rest();
  expect(received.whole).toBe(true);
  expect(JSON.parse(received.text).activity).toHaveLength(MANY + 2);
  await isReleased(person);
  expect((await ask(there, person)).status).toBe(200);
});

test('fifty at once are one', async () => {
  const person = await large();
  const readers = await Promise.all(Array.from({ length: 50 }, (_, n) => begin(n % 2 ? here : there, person)));
  expect(readers.map(({ status }) => status).sort()).toEqual([200, ...Array(49).fill(429)]);
  for (const reader of readers) reader.close();
  await isReleased(person);
});

test.each([
  [
    'the sign-out of its session',
    (person: SignedUp) => there.call('POST', '/v1/auth/logout', { token: person.accessToken }),
  ],
  [
    'the ban of its user',
    ({ user }: SignedUp) => database.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [user.id]),
  ],
  ['the end of its user', ({ user }: SignedUp) => database.query('DELETE FROM users WHERE id = $1', [user.id])],
])('%s breaks it off', async (_, end) => {
  const person = await large();
  const reader = await begin(here, person);
  await end(person);
  await waitFor(async () => (await here.call('GET', '/v1/auth/session', { token: person.accessToken })).status === 401);
  const { text, whole } = await reader.rest();
  expect(whole).toBe(false);
  expect(() => JSON.parse(text)).toThrow();
  await isReleased(person);
});

test('new roles and another session that ends do not', async () => {
  const person = await large();
  const other = await signIn(here, person.user.email);
  const reader = await begin(here, person);
  await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [person.user.id]);
  await here.call('POST', '/v1/auth/logout', { token: other.accessToken });
  await waitFor(async () => (await here.call('GET', '/v1/auth/session', { token: person.accessToken })).status === 401);
  expect((await reader.rest()).whole).toBe(true);
});

test('a database that fails on the way breaks it off, and it is no shorter export that looks whole', async () => {
  const person = await signUp(here);
  await database.query(
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods, user_agent)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), $1, sha256('x'), now(), '{}', repeat('x', 4000)
     FROM generate_series(1, $2::integer) AS n`,
    [person.user.id, MANY],
  );
  const reader = await begin(here, person);
  await database.query('ALTER TABLE known_addresses RENAME TO gone');
  const { text, whole } = await reader.rest();
  await database.query('ALTER TABLE gone RENAME TO known_addresses');
  expect(whole).toBe(false);
  expect(() => JSON.parse(text)).toThrow();
  expect(text).not.toMatch(/known_addresses|does not exist/);
  await isReleased(person);
  expect((await ask(here, person)).body.sessions).toHaveLength(MANY + 1);
});

test('a client that hangs up lets the next begin at once', async () => {
  const person = await large();
  const reader = await begin(here, person);
  expect(await claimsOf(person)).toHaveLength(1);
  reader.close();
  await isReleased(person);
  expect((await ask(here, person)).status).toBe(200);
});

test('an instance that died on the way holds up the next for two minutes at most', async () => {
  const person = await signUp(here);
  await database.query(`INSERT INTO account_exports VALUES ($1, gen_random_uuid(), now() + interval '2 min')`, [
    person.user.id,
  ]);
  expect((await ask(here, person)).status).toBe(429);
  await database.query('UPDATE account_exports SET expires_at = now()');
  expect((await ask(here, person)).status).toBe(200);
  await isReleased(person);
});

test('HEAD answers with the head and reads no page', async () => {
  const person = await large();
  const { status, text, headers } = await here.call('HEAD', PATH, { token: person.accessToken });
  expect([status, text]).toEqual([200, '']);
  expect(headers.get('content-disposition')).toBe('attachment; filename="gatehouse-export.json"');
  await isReleased(person);
});

test('five an hour for an account, counted over all instances, and another account has its own', async () => {
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'on' };
  const limited = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
  const [person, other] = [await signUp(here), await signUp(here)];
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) {
    const { status, headers } = await ask(limited[n % 2] as Gatehouse, person);
    statuses.push(status);
    await isReleased(person);
    if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThan(3_000);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
  expect((await ask(limited[0], other)).status).toBe(200);
  await Promise.all(limited.map((gatehouse) => gatehouse.stop()));
});
