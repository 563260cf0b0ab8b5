import { makeRole, withRoles } from '../support/admins.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { type Problem, refresh, type SignedUp, signIn, signUp, verdict } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** POST /v1/sessions/revoke-before: what it takes, who may, and what it says. */
let database: TestDatabase;
let here: Gatehouse;
let there: Gatehouse;
let admin: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'off' };
  [here, there] = await Promise.all([Gatehouse.start(env), Gatehouse.start(env)]);
  await makeRole(database, 'support', 'users:read', 'users:write');
  await makeRole(database, 'editor', 'posts:write');
});

afterAll(async () => {
  await Promise.all([here?.stop(), there?.stop()]);
  await database?.drop();
});

beforeEach(async () => {
  admin = await withRoles(here, database, 'admin', 'user');
});

const revokeBefore = (body: unknown, { accessToken: token } = admin) =>
  here.call<Problem & { before: string }>('POST', '/v1/sessions/revoke-before', { token, body });
const latest = async () => {
  const [entry] = await database.query<{ type: string; actor_id: string; user_id: string | null; data: object }>(
    'SELECT type, actor_id, user_id, data FROM audit_events ORDER BY id DESC LIMIT 1',
  );
  return entry;
};
const epochs = () => database.query('SELECT role, floor FROM epochs ORDER BY role NULLS FIRST');

test('everybody: the admin too, here at once and there on the next request, and the next to sign in is in', async () => {
  const person = await signUp(there);
  const refreshed = await refresh(there, person.refreshToken);
  const { status, body } = await revokeBefore({});
  expect([status, Object.keys(body)]).toEqual([200, ['before']]);
  expect(Math.abs(Date.now() - Date.parse(body.before))).toBeLessThan(60_000);
  expect(await latest()).toEqual({
    type: 'sessions.revoked_before',
    actor_id: admin.user.id,
    user_id: null,
    data: { before: body.before },
  });
  for (const { accessToken } of [admin, person, refreshed.body]) {
    expect(await verdict(here, accessToken)).toBe('session_revoked');
    await waitFor(async () => (await verdict(there, accessToken)) === 'session_revoked');
  }
  for (const server of [here, there])
    expect((await refresh(server, refreshed.body.refreshToken)).code).toBe('session_revoked');
  const next = await signIn(here, person.user.email);
  for (const server of [here, there]) expect(await verdict(server, next.accessToken)).toBe('ok');
  expect((await refresh(there, next.refreshToken)).code).toBe('ok');
});

test('a moment that is past ends what is older, and no more; a later one is not taken back', async () => {
  const older = await signUp(here);
  const [{ now } = { now: '' }] = await database.query<{ now: string }>(
    `SELECT to_char(clock_timestamp() + interval '1 ms', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS now`,
  );
  await waitFor(() => Date.now() > Date.parse(now) + 1);
  const newer = await signIn(here, older.user.email);
  const { body } = await revokeBefore({ userId: older.user.id, before: now });
  expect(body.before).toBe(now);
  expect(await latest()).toMatchObject({ user_id: older.user.id, data: { before: now, userId: older.user.id } });
  expect((await refresh(there, older.refreshToken)).code).toBe('session_revoked');
  expect((await refresh(there, newer.refreshToken)).code).toBe('ok');
  expect((await revokeBefore({ userId: older.user.id, before: '2020-01-01T00:00:00+02:00' })).body.before).toBe(
    '2019-12-31T22:00:00.000Z',
  );
  expect((await refresh(there, older.refreshToken)).code).toBe('session_revoked');
  expect(await verdict(here, newer.accessToken)).toBe('ok');
});

test('a role: its holders, and nobody else', async () => {
  const editor = await withRoles(here, database, 'editor', 'user');
  const reader = await signUp(here);
  const { body } = await revokeBefore({ role: 'editor' });
  expect(await latest()).toMatchObject({ user_id: null, data: { before: body.before, role: 'editor' } });
  expect(await verdict(here, editor.accessToken)).toBe('session_revoked');
  await waitFor(async () => (await verdict(there, editor.accessToken)) === 'session_revoked');
  for (const { accessToken } of [reader, admin]) expect(await verdict(there, accessToken)).toBe('ok');
  expect(await verdict(there, (await signIn(here, editor.user.email)).accessToken)).toBe('ok');
});

test.each([
  [{ before: null }, 400, '/before'],
  [{ role: null }, 400, '/role'],
  [{ userId: null }, 400, '/userId'],
  [{ before: '2999-01-01T00:00:00Z' }, 400, '/before'],
  [{ before: 'yesterday' }, 400, '/before'],
  [{ before: 1_700_000_000_000 }, 400, '/before'],
  [{ before: '0000-01-01T00:00:00Z' }, 400, '/before'],
  [{ role: 'editor', userId: '01890a5d-ac96-774b-bcce-b302099a8057' }, 400, '/userId'],
  [{ userId: 'nobody' }, 400, '/userId'],
  [{ role: '\u0000' }, 400, '/role'],
  [{ all: true }, 400, '/all'],
  [[], 400, ''],
  [undefined, 400, ''],
  [{ role: 'ghost' }, 404, undefined],
  [{ userId: '01890a5d-ac96-774b-bcce-b302099a8057' }, 404, undefined],
])('%j is refused with %d at %s, and nothing ends', async (body, status, pointer) => {
  const before = await epochs();
  const answer = await revokeBefore(body);
  expect([answer.status, answer.body.code]).toEqual([status, status === 404 ? 'not_found' : 'invalid_request']);
  if (pointer) expect(answer.body.errors?.map((fault) => fault.pointer)).toEqual([pointer]);
  expect(await epochs()).toEqual(before);
  expect(await verdict(there, admin.accessToken)).toBe('ok');
});

describe('who may', () => {
  test('takes users:write', async () => {
    const person = await signUp(here);
    const answer = await revokeBefore({ userId: person.user.id }, person);
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    expect((await here.call<Problem>('POST', '/v1/sessions/revoke-before', { body: {} })).body.code).toBe(
      'unauthorized',
    );
    expect(await verdict(here, person.accessToken)).toBe('ok');
  });

  test('nobody ends sessions of those who hold more', async () => {
    const support = await withRoles(here, database, 'support', 'user');
    const before = await epochs();
    for (const body of [{}, { role: 'user' }, { role: 'admin' }, { role: 'editor' }, { userId: admin.user.id }]) {
      const answer = await revokeBefore(body, support);
      expect([body, answer.status, answer.body.code]).toEqual([body, 403, 'forbidden']);
    }
    expect(await epochs()).toEqual(before);
    const person = await signUp(here);
    expect((await revokeBefore({ userId: person.user.id }, support)).status).toBe(200);
    expect(await verdict(here, person.accessToken)).toBe('session_revoked');
    expect((await revokeBefore({ role: 'support' }, support)).status).toBe(200);
    expect(await verdict(here, support.accessToken)).toBe('session_revoked');
  });
});
