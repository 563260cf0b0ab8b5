import { randomUUID } from 'node:crypto';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { KeepPasswordsApart1763100000000 } from '../migrations/1763100000000-keep-passwords-apart.js';
import { CopyPasswords1763100000001 } from '../migrations/1763100000001-copy-passwords.js';
import { createDatabase, type TestDatabase } from './support/database.js';

/** The version before knows passwords as a column of users. While it may run beside this one, both see one truth. */

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await database?.drop();
});

/** Makes a user as the version before does. */
async function userOf(hash: string | null): Promise<string> {
  const id = randomUUID();
  await database.query(
    'INSERT INTO users (id, email, email_key, password_hash) VALUES ($1::uuid, $1::text, $1::text, $2)',
    [id, hash],
  );
  return id;
}

const column = async (id: string) =>
  (await database.query<{ hash: string | null }>('SELECT password_hash AS hash FROM users WHERE id = $1', [id]))[0]
    ?.hash;
const row = async (id: string) =>
  (await database.query<{ hash: string }>('SELECT hash FROM passwords WHERE user_id = $1', [id]))[0]?.hash;
const both = async (id: string) => [await column(id), await row(id)];
const changedAt = async (id: string) =>
  (await database.query<{ at: Date }>('SELECT changed_at AS at FROM passwords WHERE user_id = $1', [id]))[0]?.at;

describe('what the version before writes', () => {
  test('a new user with a password has a row, one without has none', async () => {
    expect(await both(await userOf('one'))).toEqual(['one', 'one']);
    expect(await both(await userOf(null))).toEqual([null, undefined]);
  });

  test('another hash, none, and one again', async () => {
    const id = await userOf('one');
    for (const hash of ['two', null, 'three']) {
      await database.query('UPDATE users SET password_hash = $2 WHERE id = $1', [id, hash]);
      expect(await both(id)).toEqual([hash, hash ?? undefined]);
    }
  });

  test('the same hash once more, as at each sign-in, is no change of the password', async () => {
    const id = await userOf('one');
    const before = await changedAt(id);
    await database.query('UPDATE users SET password_hash = password_hash, last_login_at = now() WHERE id = $1', [id]);
    expect(await changedAt(id)).toEqual(before);
  });
});

describe('what this version writes', () => {
  test('a row, another hash, and none', async () => {
    const id = await userOf(null);
    await database.query('INSERT INTO passwords (user_id, hash) VALUES ($1, $2)', [id, 'one']);
    expect(await both(id)).toEqual(['one', 'one']);
    await database.query('UPDATE passwords SET hash = $2 WHERE user_id = $1', [id, 'two']);
    expect(await both(id)).toEqual(['two', 'two']);
    await database.query('DELETE FROM passwords WHERE user_id = $1', [id]);
    expect(await both(id)).toEqual([null, undefined]);
  });

  test('leaves when the user was last changed alone', async () => {
    const id = await userOf('one');
    const updated = 'SELECT updated_at FROM users WHERE id = $1';
    const before = await database.query(updated, [id]);
    await database.query('UPDATE passwords SET hash = $2 WHERE user_id = $1', [id, 'two']);
    expect(await database.query(updated, [id])).toEqual(before);
  });
});

test('a deleted user takes the password along', async () => {
  const id = await userOf('one');
  await database.query('DELETE FROM users WHERE id = $1', [id]);
  expect(await both(id)).toEqual([undefined, undefined]);
});

test('a session with another search path is no way around it', async () => {
  const id = await userOf('one');
  await database.query(`SET search_path = pg_temp`);
  await database.query('CREATE TEMPORARY TABLE passwords (user_id uuid, hash text)');
  await database.query('UPDATE gatehouse.users SET password_hash = $2 WHERE id = $1', [id, 'two']);
  await database.query('RESET search_path; DROP TABLE pg_temp.passwords');
  expect(await both(id)).toEqual(['two', 'two']);
});

test('the view says what each user can sign in with', async () => {
  const id = await userOf('one');
  const credentials = 'SELECT kind, since FROM credentials WHERE user_id = $1';
  expect(await database.query(credentials, [id])).toEqual([{ kind: 'password', since: expect.any(Date) }]);
  expect(await database.query(credentials, [await userOf(null)])).toEqual([]);
});

test('goes down and up again with users there, and neither way loses a password', async () => {
  const [none, one, two] = [await userOf(null), await userOf('one'), await userOf('two')];
  await database.query('UPDATE passwords SET hash = $2 WHERE user_id = $1', [two, 'two anew']);
  const source = new DataSource({ type: 'postgres', url: database.url } as DataSourceOptions);
  await source.initialize();
  try {
    const migration = new KeepPasswordsApart1763100000000();
    const runner = source.createQueryRunner();
    await migration.down(runner);
    expect([await column(none), await column(one), await column(two)]).toEqual([null, 'one', 'two anew']);
    const left = `SELECT FROM pg_class WHERE relname IN ('passwords', 'credentials')
      UNION ALL SELECT FROM pg_proc WHERE proname IN ('users_copy_password', 'passwords_copy_hash')`;
    expect(await database.query(left)).toEqual([]);
    // As the version before does it on the schema of before.
    await database.query('UPDATE users SET password_hash = $2 WHERE id = $1', [one, 'one anew']);
    await migration.up(runner);
    await new CopyPasswords1763100000001().up(runner);
    await runner.release();
  } finally {
    await source.destroy();
  }
  expect(await both(none)).toEqual([null, undefined]);
  expect(await both(one)).toEqual(['one anew', 'one anew']);
  expect(await both(two)).toEqual(['two anew', 'two anew']);
  const [{ same }] = (await database.query<{ same: boolean }>(
    'SELECT bool_and(p.changed_at = u.created_at) AS same FROM passwords p JOIN users u ON u.id = p.user_id',
  )) as [{ same: boolean }];
  expect(same).toBe(true);
});
