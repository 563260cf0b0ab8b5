import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { MigrationBlockedError, runMigrations } from '../src/platform/database/run-migrations.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { loadMigrations } from './support/migrations.js';
import { waitFor } from './support/wait-for.js';

/** An upgrade beside servers of the version before: no request of theirs fails for it, and it ends. */

/** The last migration of 0.2.0. */
const FORMER = 'TellKindsOfActors1763500000000';
const USER = '00000000-0000-7000-8000-000000000001';
const SESSION = '00000000-0000-7000-8000-000000000002';

let database: TestDatabase;
let source: DataSource;
let clients: Client[];

beforeEach(async () => {
  database = await createDatabase({ empty: true });
  const options = { ...dataSourceOptions(database.url, { pool: 2, timeout: 60_000 }), migrations: [] };
  source = await new DataSource(options).initialize();
  const all = (await loadMigrations()).map((migration) => new migration());
  const former = all.findIndex((migration) => migration.constructor.name === FORMER) + 1;
  Object.assign(source, { migrations: all.slice(0, former) });
  await runMigrations(source);
  Object.assign(source, { migrations: all.slice(former) });
  await database.query(
    `INSERT INTO users (id, email, email_key) VALUES ('${USER}', 'ada@example.com', 'ada@example.com')`,
  );
  await database.query(`INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
    VALUES ('${SESSION}', '${USER}', sha256('x'), now() + interval '1 day', '{}')`);
  clients = await Promise.all(
    Array.from({ length: 2 }, async () => {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      return client;
    }),
  );
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await source.destroy();
  await database.drop();
});

/** Requests in two steps, by the order in which they take the tables. */
const REQUESTS: [first: string, second: string][] = [
  // A refresh, and what looks at the owner of a session that it has changed.
  [
    `UPDATE sessions SET counter = counter + 1 WHERE id = '${SESSION}'`,
    `SELECT FROM users WHERE id = '${USER}' FOR NO KEY UPDATE`,
  ],
  // A sign-in.
  [
    `UPDATE users SET last_login_at = now() WHERE id = '${USER}'`,
    `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
     VALUES (gen_random_uuid(), '${USER}', sha256('x'), now() + interval '1 day', '{}')`,
  ],
];

/** Whether a migration waits for a table that a request holds: with a lock that no request takes, that of an index too. */
const IS_BLOCKED = `
  SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL
    AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock') AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS blocked`;

test('requests that hold what a migration waits for go on, whatever their order, and so does the migration', async () => {
  let migrated = false;
  const upgrade = runMigrations(source).finally(() => {
    migrated = true;
  });
  let met = 0;
  for (let n = 0; n < 8; n++) {
    const [client, steps] = [clients[n % 2] as Client, REQUESTS[n % 2] as [string, string]];
    await client.query('BEGIN');
    await client.query(steps[0]);
    await waitFor(
      async () => migrated || (await database.query<{ blocked: boolean }>(IS_BLOCKED))[0]?.blocked === true,
    );
    if (!migrated) met++;
    await client.query(steps[1]);
    await client.query('COMMIT');
  }
  expect((await upgrade).at(-1)).toBe(source.migrations.at(-1)?.name);
  expect(met).toBeGreaterThan(2);
});

test('a lock that nobody lets go of is told in a sentence', async () => {
  const [holder] = clients as [Client];
  await holder.query('BEGIN');
  await holder.query(REQUESTS[0]?.[0] ?? '');
  await expect(runMigrations(source, { tries: 2 })).rejects.toThrow(MigrationBlockedError);
  await holder.query(REQUESTS[0]?.[1] ?? '');
  await holder.query('COMMIT');
  expect(await runMigrations(source)).toContain('SweepSessions1764200100000');
});
