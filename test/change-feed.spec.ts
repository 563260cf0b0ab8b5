import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { Clock } from '../src/platform/common/clock.js';
import { ChangeCursor } from '../src/platform/database/feed/change-cursor.js';
import { LOOK, type Look } from '../src/platform/database/feed/look.js';
import { BEAT } from '../src/platform/database/feed/pulse.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { waitFor } from './support/wait-for.js';

/** The table of changes and the cursor over it, on a real Postgres: nothing is missed, however late it commits. */
let database: TestDatabase;
const clients: Client[] = [];

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

beforeEach(async () => {
  database = await createDatabase();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
  await database?.drop();
});

const record = (client: Client, id = randomUUID()) =>
  client.query(`INSERT INTO changes (kind, id) VALUES ('session', $1)`, [id]).then(() => id);

const explain = async (client: Client, statement: string) =>
  (await client.query(statement)).rows.map((row) => row['QUERY PLAN']).join('\n');

/** A cursor that has begun, and what it has been told since. */
async function follow() {
  const client = await connect();
  const cursor = new ChangeCursor(new Clock());
  const looks: Omit<Look, 'words'>[] = [];
  const look = () => cursor.advance(client, (told) => void looks.push(told));
  await look();
  const ids = () => looks.flatMap(({ changes }) => changes.map(({ id }) => id));
  return { client, cursor, looks, look, ids };
}

test('24 writers whose transactions end in any order: nothing is missed, and nothing is read twice', async () => {
  const { look, ids } = await follow();
  const written: string[] = [];
  let isOver = false;
  const looking = (async () => {
    while (!isOver) await look();
    await look();
  })();
  await Promise.all(
    Array.from({ length: 24 }, async (_, writer) => {
      const client = await connect();
      for (let n = 0; n < 12; n++) {
        await client.query('BEGIN');
        const some = [await record(client), await record(client)];
        await wait(((writer * 7 + n * 13) % 40) + (n % 6 === 0 ? 120 : 0));
        if ((writer + n) % 5 === 0) await client.query('ROLLBACK');
        else {
          await client.query('SAVEPOINT inner_one');
          some.push(await record(client));
          await client.query('RELEASE inner_one');
          await client.query('COMMIT');
          written.push(...some);
        }
      }
    }),
  );
  isOver = true;
  await looking;
  expect(ids().toSorted()).toEqual(written.toSorted());
});

test('a transaction that was open for long is heard of once it commits, and costs the looks before it nothing', async () => {
  const { look, ids, looks } = await follow();
  const slow = await connect();
  await slow.query('BEGIN');
  const late = await record(slow);
  const quick = await connect();
  const early: string[] = [];
  for (let n = 0; n < 50; n++) {
    early.push(await record(quick));
    await look();
  }
  expect(ids()).toEqual(early);
  expect(Math.max(...looks.map(({ changes }) => changes.length))).toBe(1);
  await slow.query('COMMIT');
  await look();
  expect(ids()).toEqual([...early, late]);
});

test('of many changes at once all are read, in pieces, and a later one is heard of before the last piece', async () => {
  const { look, looks, ids } = await follow();
  const other = await connect();
  await other.query(
    `INSERT INTO changes (kind, id) SELECT 'session', gen_random_uuid() FROM generate_series(1, 60000)`,
  );
  const looking = look();
  await waitFor(() => ids().length > 0);
  const late = await record(other);
  await looking;
  await look();
  expect(new Set(ids()).size).toBe(60_001);
  const heard = looks.findIndex(({ changes }) => changes.some(({ id }) => id === late));
  const last = looks.findLastIndex(({ changes }) => changes.length > 100);
  expect(heard).toBeLessThan(last);
  expect(Math.max(...looks.map(({ changes }) => changes.length))).toBeLessThan(10_000);
});

test('where the link breaks in the middle of many changes, they are all read by the next one', async () => {
  const { client, cursor, look, ids } = await follow();
  const other = await connect();
  await other.query(
    `INSERT INTO changes (kind, id) SELECT 'session', gen_random_uuid() FROM generate_series(1, 60000)`,
  );
  const broken = expect(look()).rejects.toThrow();
  await waitFor(() => ids().length > 0);
  const [{ pid } = { pid: 0 }] = (await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
  await other.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1',
    [pid],
  );
  await broken;
  await client.end().catch(() => undefined);
  const next = await connect();
  const again: (string | null)[] = [];
  await cursor.advance(next, ({ changes }) => void again.push(...changes.map(({ id }) => id)));
  expect(new Set([...ids(), ...again]).size).toBe(60_000);
});

test('the plan of a look reads by index, however long the table is', async () => {
  const client = await connect();
  await client.query(
    `INSERT INTO changes (kind, id) SELECT 'session', gen_random_uuid() FROM generate_series(1, 50000)`,
  );
  for (const statement of ['SELECT', 'ANALYZE changes']) {
    await client.query(statement);
    const plan = await explain(client, `EXPLAIN ${LOOK.replaceAll('$1', `pg_current_snapshot()::text`)}`);
    expect(plan).not.toMatch(/Seq Scan on changes/);
    expect(plan).toMatch(/changes_xid/);
  }
});

test('so does that of a page of the past, though the statistics know nothing of the rows', async () => {
  const client = await connect();
  await client.query(
    `INSERT INTO changes (kind, id) SELECT 'session', gen_random_uuid() FROM generate_series(1, 100000)`,
  );
  const read = async (from: string) =>
    Number(/shared hit=(\d+)/.exec(await explain(client, `EXPLAIN (ANALYZE, BUFFERS) SELECT FROM ${from}`))?.[1]);
  // The first time the function is looked up in the catalogue.
  await read(`changes_after('-infinity', 0, '{session}', 5)`);
  const few = await read(`changes_after('-infinity', 0, '{session}', 5000)`);
  expect(few).toBeGreaterThan(0);
  expect(few).toBeLessThan((await read('changes')) / 5);
});

test('rows of a dump, with the transaction ids of another cluster, are not read again and again', async () => {
  const { look, ids } = await follow();
  await database.query(
    `INSERT INTO changes (xid, kind, id) SELECT n::text::xid8, 'session', gen_random_uuid()
     FROM unnest('{1,99999999999}'::bigint[]) AS n, generate_series(1, 3000)`,
  );
  for (let n = 0; n < 3; n++) await look();
  expect(ids()).toEqual([]);
});

test('where a hosting tells neither cluster nor timeline, the start of Postgres has to do', async () => {
  const client = await connect();
  const refusing = {
    query: async (sql: string, values?: unknown[]) => {
      if (sql.includes('pg_control_system')) throw Object.assign(new Error('permission denied'), { code: '42501' });
      return client.query(sql, values);
    },
  } as unknown as Client;
  const cursor = new ChangeCursor(new Clock());
  const looks: Omit<Look, 'words'>[] = [];
  const look = () => cursor.advance(refusing, (told) => void looks.push(told));
  await look();
  const id = await record(client);
  await look();
  expect(looks.flatMap(({ changes }) => changes.map((change) => change.id))).toEqual([id]);
  expect(new Set(looks.map(({ edition }) => edition))).toEqual(new Set([1]));
});

test('where the clock of the database jumps, what was read is read anew', async () => {
  const client = await connect();
  let ahead = 0;
  const clock = new (class extends Clock {
    override wall() {
      return super.wall() - ahead;
    }
  })();
  const cursor = new ChangeCursor(clock);
  const editions: number[] = [];
  const look = () => cursor.advance(client, ({ edition }) => void editions.push(edition));
  await look();
  ahead = 1_200_000;
  await look();
  ahead = 0;
  await look();
  await look();
  expect(editions).toEqual([1, 2, 3, 3]);
});

test('without the row of the pulse nothing is believed, and the next pulse makes it again', async () => {
  const { client, cursor, look } = await follow();
  await database.query('DELETE FROM pulse');
  await look();
  expect(cursor.pulseAge).toBeGreaterThan(60_000);
  await client.query(BEAT.text, [false, false]);
  await client.query(BEAT.text, [false, false]);
  await look();
  expect(cursor.pulseAge).toBeLessThan(60_000);
});

test('of fifty that pulse at once one does, and not before a second has passed', async () => {
  const instances = await Promise.all(Array.from({ length: 50 }, connect));
  await database.query(`UPDATE pulse SET at = now() - interval '1 min', number = 0`);
  const beatAll = () => Promise.all(instances.map((client) => client.query(BEAT.text, [false, false])));
  await beatAll();
  await beatAll();
  expect(await database.query('SELECT number::integer FROM pulse')).toEqual([{ number: 1 }]);
  // A clock that was set back must not leave the deployment without a pulse until the old time has come again.
  await database.query(`UPDATE pulse SET at = now() + interval '1 h'`);
  const { cursor, look } = await follow();
  expect(cursor.pulseAge).toBeGreaterThan(60_000);
  await beatAll();
  await look();
  expect(cursor.pulseAge).toBeLessThan(60_000);
});

describe('a change of the tables, by hand too', () => {
  const id = randomUUID();
  beforeEach(async () => {
    await database.query(
      `INSERT INTO users (id, email, email_key, created_at) VALUES ($1, 'a@example.com', 'a@example.com', now() - interval '1 d')`,
      [id],
    );
    await database.query(
      `INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
       SELECT new_id_at(now() - interval '1 h'), $1, sha256(n::text::bytea), now() + interval '1 d', '{pwd}' FROM generate_series(1, 3000) AS n`,
      [id],
    );
  });

  test.each([
    ['ends sessions', 'UPDATE sessions SET revoked_at = now()', 3_000, 'session'],
    ['ends them again', 'UPDATE sessions SET last_used_at = now()', 0, ''],
    ['deletes sessions', 'DELETE FROM sessions', 3_000, 'session'],
    ['gives a role', `INSERT INTO user_roles SELECT id, 'admin' FROM users`, 1, 'user'],
    ['changes a role', `UPDATE roles SET permissions = '{}' WHERE name = 'user'`, 1, 'roles'],
    ['renames a user', `UPDATE users SET name = 'Ada'`, 0, ''],
  ])(
    '%s: the feed has a row for each in that transaction, and the bell rings a thousand times at most',
    async (_, statement, rows, kind) => {
      const { look, looks } = await follow();
      const listener = await connect();
      const heard: string[] = [];
      listener.on('notification', ({ payload = '' }) => void heard.push(payload));
      await listener.query('LISTEN gatehouse');
      await database.query('BEGIN');
      await database.query(statement);
      await look();
      await database.query('COMMIT');
      await look();
      const changes = looks.flatMap((told) => told.changes);
      expect(changes).toHaveLength(rows);
      expect(new Set(changes.map((change) => change.kind))).toEqual(new Set(rows > 0 ? [kind] : []));
      await database.query(`SELECT pg_notify('gatehouse', 'that was all')`);
      await waitFor(() => heard.includes('that was all'));
      expect(heard.length - 1).toBe(Math.min(rows, 1_000));
    },
  );

  test('a user is disabled, and all sessions end, by two rows', async () => {
    const { look, looks } = await follow();
    await database.query(`UPDATE users SET status = 'disabled'`);
    await look();
    const changes = looks.flatMap((told) => told.changes);
    expect(changes).toEqual([
      { number: expect.any(Number), kind: 'user', id, ver: 1, roles: [], floor: null, kept: null, disabled: true },
      {
        number: expect.any(Number),
        kind: 'user',
        id,
        ver: 1,
        roles: [],
        floor: expect.stringMatching(/^0/),
        kept: null,
        disabled: true,
      },
    ]);
  });

  test('in a flood nothing is notified, but where a server of the version before listens', async () => {
    const beat = async (...values: [boolean, boolean]) => {
      await database.query(`UPDATE pulse SET at = now() - interval '1 min'`);
      await database.query(BEAT.text, values);
      return (await database.query<{ rings: boolean }>('SELECT rings FROM pulse'))[0]?.rings;
    };
    expect([await beat(true, false), await beat(true, true)]).toEqual([true, false]);
    const former = await connect();
    await former.query(`SELECT set_config('application_name', 'gatehouse listener', false)`);
    expect([await beat(false, true), await beat(true, true)]).toEqual([true, true]);
    await former.end();
    await waitFor(async () => (await beat(true, true)) === false);
  });

  test('a change of roles says what they are from here on', async () => {
    const { look, looks } = await follow();
    await database.query(`INSERT INTO user_roles SELECT id, unnest('{user,admin}'::text[]) FROM users`);
    await database.query(`DELETE FROM user_roles WHERE role = 'admin'`);
    await look();
    expect(looks.flatMap(({ changes }) => changes)).toEqual([
      {
        number: expect.any(Number),
        kind: 'user',
        id,
        ver: 2,
        roles: ['admin', 'user'],
        floor: null,
        kept: null,
        disabled: false,
      },
      {
        number: expect.any(Number),
        kind: 'user',
        id,
        ver: 3,
        roles: ['user'],
        floor: null,
        kept: null,
        disabled: false,
      },
    ]);
  });

  test('where nobody listens nothing is notified, and the next pulse finds out who does', async () => {
    const listener = await connect();
    const heard: string[] = [];
    listener.on('notification', ({ payload = '' }) => void heard.push(payload));
    const end =
      'UPDATE sessions SET revoked_at = now() WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NULL LIMIT 1)';
    const beat = async () => {
      await database.query(`UPDATE pulse SET at = now() - interval '1 min'`);
      await database.query(BEAT.text, [false, false]);
    };
    await beat();
    await listener.query('LISTEN gatehouse');
    await database.query(end);
    await listener.query(`SELECT set_config('application_name', 'gatehouse poller web-1/7', false)`);
    await beat();
    await database.query(end);
    expect(await database.query('SELECT rings FROM pulse')).toEqual([{ rings: false }]);
    await listener.query(`SELECT set_config('application_name', 'gatehouse listener web-1/7', false)`);
    await beat();
    await database.query(end);
    await waitFor(() => heard.length >= 2);
    expect(heard).toEqual(['pulse', expect.stringMatching(/^session /)]);
    expect(await database.query(`SELECT FROM changes WHERE kind = 'session'`)).toHaveLength(3);
  });
});
