import { DataSource } from 'typeorm';
import type { Audit, AuditEvent } from '../src/audit/audit.service.js';
import { Clock } from '../src/platform/common/clock.js';
import { loadConfig } from '../src/platform/config/config.js';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { Database } from '../src/platform/database/database.js';
import type { DatabaseFeed } from '../src/platform/database/feed/database-feed.js';
import type { Pulse } from '../src/platform/database/feed/pulse.js';
import { ChangeWriteBack } from '../src/revocation/change-write-back.js';
import type { PastChanges } from '../src/revocation/past-changes.js';
import { RevocationList } from '../src/revocation/revocation-list.js';
import { Revocations } from '../src/revocation/revocations.service.js';
import { SessionWriteBack } from '../src/sessions/session-write-back.js';
import { UserWriteBack } from '../src/users/user-write-back.js';
import { createDatabase, type TestDatabase } from './support/database.js';

/** What an instance tells a database that has lost its last commits, and what is written down of it. */
const ADA = '00000000-0000-7000-8000-000000000001';
const BOB = '00000000-0000-7000-8000-000000000002';
const KEPT = '00000000-0000-7000-8000-00000000000a';
const OTHER = '00000000-0000-7000-8000-00000000000b';
const NOTHING = {
  endedSessions: () => [],
  changedUsers: () => [],
  raisedFloors: () => [],
  keptSessions: () => [],
  raisedEpochs: () => [],
};

let database: TestDatabase;
let source: DataSource;
let events: AuditEvent[];

beforeEach(async () => {
  events = [];
  database = await createDatabase();
  source = await new DataSource({
    ...dataSourceOptions(database.url, { pool: 2, timeout: 20_000 }),
    migrations: [],
  }).initialize();
  await database.query(`INSERT INTO users (id, email, email_key, status) VALUES
    ('${ADA}', 'ada@example.com', 'ada@example.com', 'active'), ('${BOB}', 'bob@example.com', 'bob@example.com', 'active')`);
  await database.query(`INSERT INTO user_roles VALUES ('${ADA}', 'admin')`);
  await database.query(`INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods) VALUES
    ('${KEPT}', '${ADA}', sha256('a'), now() + interval '1 day', '{}'),
    ('${OTHER}', '${BOB}', sha256('b'), now() + interval '1 day', '{}')`);
});

afterEach(async () => {
  await source.destroy();
  await database.drop();
});

/** Since when the database is another one: before everything that is done here, or after it. */
const [BEFORE, AFTER] = ['2020-01-01T00:00:00Z', '2999-01-01T00:00:00Z'];

/** Tells the database what is known. */
async function writeBack(known: object, since = AFTER): Promise<void> {
  const restores: ((since: string) => Promise<void>)[] = [];
  const feed = { onSetBack: (restore: (since: string) => Promise<void>) => restores.push(restore) };
  const audit = {
    record: async (event: AuditEvent) => void events.push(event),
    recordAll: async (added: AuditEvent[]) => void events.push(...added),
  };
  const revocations = { known: { ...NOTHING, ...known }, forgetOrder: () => undefined } as unknown as Revocations;
  const followed = feed as unknown as DatabaseFeed;
  const parts = [new Database(source), revocations, audit as unknown as Audit, followed] as const;
  new SessionWriteBack(...parts);
  new UserWriteBack(...parts);
  new ChangeWriteBack(new Database(source), revocations, followed);
  for (const restore of restores) await restore(since);
}

const said = () => events.map(({ type, actor, userId, data }) => ({ type, actor: actor.kind, userId, data }));
const live = async () =>
  (await database.query<{ id: string }>('SELECT id FROM sessions WHERE revoked_at IS NULL ORDER BY id')).map(
    ({ id }) => id,
  );

test('sessions, roles and status are what they were, and the log says so once', async () => {
  const known = {
    endedSessions: () => [OTHER],
    changedUsers: () => [
      { userId: BOB, ver: 8, roles: ['user'], disabled: true },
      { userId: ADA, ver: 9, roles: ['user'], disabled: false },
    ],
  };
  await writeBack(known);
  expect(said()).toEqual([
    {
      type: 'session.revoked',
      actor: 'system',
      userId: BOB,
      data: { reason: 'set_back', revoked: 1, sessionIds: [OTHER] },
    },
    {
      type: 'user.roles_changed',
      actor: 'system',
      userId: ADA,
      data: { roles: ['user'], before: ['admin'], reason: 'set_back' },
    },
    {
      type: 'user.roles_changed',
      actor: 'system',
      userId: BOB,
      data: { roles: ['user'], before: [], reason: 'set_back' },
    },
    { type: 'user.disabled', actor: 'system', userId: BOB, data: { reason: 'set_back' } },
  ]);
  events = [];
  await writeBack(known);
  expect(said()).toEqual([]);
});

test('a session is kept under its own floor alone, though another user has one of the same millisecond', async () => {
  const [older, newer] = [Date.now() - 10_000, Date.now() - 5_000];
  await writeBack({
    raisedFloors: () => [
      [ADA, newer],
      [BOB, older],
    ],
    // Ada's was kept under the floor of before, which is that of Bob now; Bob's own is kept.
    keptSessions: () => [
      [KEPT, older],
      [OTHER, older],
    ],
  });
  expect(await live()).toEqual([OTHER]);
  expect(said().sort((a, b) => ((a.userId ?? '') < (b.userId ?? '') ? -1 : 1))).toEqual(
    [ADA, BOB].map((userId) => ({
      type: 'session.revoked',
      actor: 'system',
      userId,
      data: { reason: 'set_back' },
    })),
  );
});

test('others are told of what was made and ended within the lost commits, of which there is no row', async () => {
  const [gone, goneUser] = ['00000000-0000-7000-8000-0000000000aa', '00000000-0000-7000-8000-0000000000bb'];
  const moment = Date.now() - 1_000;
  await database.query('DELETE FROM changes');
  await writeBack({
    endedSessions: () => [gone],
    changedUsers: () => [{ userId: goneUser, ver: 3, roles: ['user'], disabled: false }],
    raisedFloors: () => [[goneUser, moment]],
  });
  const told = await database.query(
    'SELECT kind, id, ver, roles, (extract(epoch FROM moment_of(floor)) * 1000)::float8 AS floor, kept FROM changes ORDER BY number',
  );
  const nothing = { ver: null, roles: null, floor: null, kept: null };
  expect(told).toEqual([
    { ...nothing, kind: 'session', id: gone },
    { ...nothing, kind: 'user', id: goneUser, ver: 3 },
    { ...nothing, kind: 'user', id: goneUser, floor: moment },
  ]);
  expect(said()).toEqual([]);
});

test('nobody is told by it of what has a row', async () => {
  const known = { endedSessions: () => [KEPT, OTHER], changedUsers: () => [{ userId: ADA, ver: 1 }] };
  await writeBack(known);
  await database.query('DELETE FROM changes');
  await writeBack(known);
  expect(await database.query('SELECT FROM changes')).toEqual([]);
});

/** Ada's roles, and the version that her tokens need at least. */
async function ada(): Promise<[string[], number]> {
  const [row] = await database.query<{ roles: string[]; ver: number }>(
    'SELECT user_role_names(id) AS roles, ver FROM users WHERE id = $1',
    [ADA],
  );
  return [row?.roles ?? [], row?.ver ?? 0];
}

const knowing = (ver: number, ...roles: string[]) => ({
  changedUsers: () => [{ userId: ADA, ver, roles, disabled: false }],
});

test('what a person decided since stands, and no token of the version that was lost outlives it', async () => {
  await database.query('DELETE FROM user_roles WHERE user_id = $1', [ADA]);
  await writeBack(knowing(9, 'admin', 'user'), BEFORE);
  expect(await ada()).toEqual([[], 10]);
  expect(said()).toEqual([]);
});

test('so it is where they came to the same version by another way, and only there', async () => {
  await database.query('DELETE FROM user_roles WHERE user_id = $1', [ADA]);
  const [, ver] = await ada();
  await writeBack(knowing(ver), BEFORE);
  expect(await ada()).toEqual([[], ver]);
  await writeBack(knowing(ver, 'admin'), BEFORE);
  expect(await ada()).toEqual([[], ver + 1]);
});

test('nobody keeps a role by ending sessions, nor an account by changing it', async () => {
  await database.query('UPDATE users SET ver_changed_at = NULL');
  await database.query('SELECT end_sessions(id) FROM users');
  await database.query('UPDATE users SET updated_at = now()');
  const known = [
    { userId: ADA, ver: 9, roles: ['user'], disabled: false },
    { userId: BOB, ver: 1, roles: [], disabled: true },
  ];
  await writeBack({ changedUsers: () => known }, BEFORE);
  expect(await ada()).toEqual([['user'], 9]);
  expect(await database.query('SELECT status FROM users WHERE id = $1', [BOB])).toEqual([{ status: 'disabled' }]);
});

test('nor by choosing another password, which raises the version too: even to the one that was lost', async () => {
  await database.query('UPDATE users SET ver_changed_at = NULL');
  await database.query('UPDATE users SET ver = ver + 1 WHERE id = $1', [ADA]);
  const [, ver] = await ada();
  await writeBack(knowing(ver, 'user'), BEFORE);
  const [roles, restored] = await ada();
  expect(roles).toEqual(['user']);
  expect(restored).toBeGreaterThan(ver);
  expect(said()).toEqual([
    expect.objectContaining({ type: 'user.roles_changed', data: expect.objectContaining({ before: ['admin'] }) }),
  ]);
});

test.each([
  [8, 9],
  [9, 8],
])('of two instances the one that heard last has its say, whichever comes first: %d, %d', async (...order) => {
  await database.query('UPDATE users SET ver_changed_at = NULL');
  const roles: Record<number, string[]> = { 8: ['admin', 'user'], 9: ['user'] };
  for (const ver of order) await writeBack(knowing(ver, ...(roles[ver] ?? [])), BEFORE);
  expect(await ada()).toEqual([['user'], 9]);
});

/** An instance to which no feed brings anything, as where the database dies right after a commit. */
function deaf(): { on: Database; revocations: Revocations } {
  const clock = new Clock();
  const config = loadConfig({ APP_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop' });
  const feed = { on: () => undefined, onResync: () => undefined } as unknown as DatabaseFeed;
  const on = new Database(source);
  const list = new RevocationList(config, clock);
  return { on, revocations: new Revocations(config, on, feed, {} as Pulse, list, clock, {} as PastChanges) };
}

test('the instance that changed a user knows all of the change at its commit, before it hears of it', async () => {
  const { on, revocations } = deaf();
  await on.transaction(async (manager) => {
    await manager.query(`DELETE FROM user_roles WHERE user_id = $1`, [ADA]);
    await manager.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [BOB]);
    await revocations.takeWithin(manager);
    expect([...revocations.known.changedUsers()]).toEqual([]);
  });
  expect([...revocations.known.changedUsers()]).toEqual([
    expect.objectContaining({ userId: ADA, roles: [], disabled: false }),
    expect.objectContaining({ userId: BOB, roles: [], disabled: true }),
  ]);
  expect([...revocations.known.raisedFloors()].map(([userId]) => userId)).toEqual([BOB]);
});

test('what is rolled back is not known, nor what another transaction changed', async () => {
  const { on, revocations } = deaf();
  await database.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [BOB]);
  await on.transaction((manager) => revocations.takeWithin(manager));
  const failed = on.transaction(async (manager) => {
    await manager.query(`DELETE FROM user_roles WHERE user_id = $1`, [ADA]);
    await revocations.takeWithin(manager);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect([...revocations.known.changedUsers()]).toEqual([]);
});
