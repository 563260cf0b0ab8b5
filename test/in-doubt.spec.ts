import { createDatabase, type TestDatabase } from './support/database.js';
import { type CallOptions, Gatehouse } from './support/gatehouse.js';
import { TcpProxy } from './support/tcp-proxy.js';
import {
  freshEmail,
  PASSWORD,
  type Problem,
  refresh,
  type SignedUp,
  signIn,
  signUp,
  verdict,
} from './support/users.js';
import { waitFor } from './support/wait-for.js';

/**
 * The connection breaks when a change was made and its answer is under way: the outcome is in doubt, and the answer says
 * neither that it was made nor that it was not. What happened is in the database.
 */
const KEY = '01976f2e-8a55-7cc3-9a5e-5d2f7a3c1b10';

let database: TestDatabase;
let proxy: TcpProxy;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await TcpProxy.before(database.url);
  gatehouse = await Gatehouse.start({ DATABASE_URL: proxy.url });
});

afterEach(() => proxy.heal());

afterAll(async () => {
  await gatehouse?.stop();
  await proxy?.close();
  await database?.drop();
});

/** Sends a request whose change is made, and whose answer from the database is lost. */
async function doubtful(lastWord: string, method: string, path: string, options: CallOptions): Promise<void> {
  proxy.cutAfter(lastWord);
  const answer = await gatehouse.call<Problem>(method, path, options);
  await proxy.heal();
  expect([answer.status, answer.body.code]).toEqual([503, 'database_unavailable']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
}

const isLive = async (sessionId: string) =>
  (await database.query('SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL', [sessionId])).length === 1;

test('a sign-up: the account is there, with its session, its role and its entry', async () => {
  const body = { email: freshEmail(), password: PASSWORD };
  await doubtful('COMMIT', 'POST', '/v1/auth/register', { body });
  expect((await signIn(gatehouse, body.email)).user.roles).toEqual(['user']);
});

test('a login: a session more, which no one was given', async () => {
  const { user } = await signUp(gatehouse);
  const count = async () =>
    (await database.query('SELECT FROM sessions WHERE user_id = $1 AND revoked_at IS NULL', [user.id])).length;
  await doubtful('COMMIT', 'POST', '/v1/auth/login', { body: { email: user.email, password: PASSWORD } });
  expect(await count()).toBe(2);
  await signIn(gatehouse, user.email);
  expect(await count()).toBe(3);
});

/** What ends a session: this instance hears of it from the database, whatever it was answered itself. */
test.each<[string, string, (person: SignedUp) => string]>([
  ['a logout', 'POST', () => '/v1/auth/logout'],
  ['a logout everywhere', 'POST', () => '/v1/auth/logout-all'],
  ['the end of a session', 'DELETE', ({ session }) => `/v1/sessions/${session.id}`],
])('%s: it is felt', async (_, method, path) => {
  const person = await signUp(gatehouse);
  await doubtful('COMMIT', method, path(person), { token: person.accessToken });
  expect(await isLive(person.session.id)).toBe(false);
  await waitFor(async () => (await verdict(gatehouse, person.accessToken)) === 'session_revoked');
  expect((await refresh(gatehouse, person.refreshToken)).code).toBe('session_revoked');
});

test('a change of name: it was made once', async () => {
  const { accessToken } = await signUp(gatehouse);
  await doubtful('COMMIT', 'PATCH', '/v1/users/me', { token: accessToken, body: { name: 'Ada' } });
  const { body } = await gatehouse.call<{ name: string }>('GET', '/v1/users/me', { token: accessToken });
  expect(body.name).toBe('Ada');
});

async function counterOf({ session }: SignedUp): Promise<number | undefined> {
  const [row] = await database.query<{ counter: number }>('SELECT counter FROM sessions WHERE id = $1', [session.id]);
  return row?.counter;
}

test('a refresh, which is one statement: repeated it gets the successor that it was not told', async () => {
  const person = await signUp(gatehouse);
  const headers = { 'idempotency-key': KEY };
  const body = { refreshToken: person.refreshToken };
  // A connection that has prepared it no longer sends its text.
  await doubtful('session-rotate', 'POST', '/v1/auth/refresh', { body, headers });
  expect(await counterOf(person)).toBe(1);
  const repeated = await refresh(gatehouse, person.refreshToken, KEY);
  expect([repeated.code, await counterOf(person)]).toEqual(['ok', 1]);
  expect((await refresh(gatehouse, repeated.body.refreshToken)).code).toBe('ok');
});

test('fifty refreshes at once whose answers are lost: one chain each, and nobody is signed out', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => signUp(gatehouse)));
  proxy.cutAfter('session-rotate');
  const asked = people.flatMap(({ refreshToken }) => Array.from({ length: 5 }, () => refresh(gatehouse, refreshToken)));
  const answers = await Promise.all(asked);
  await proxy.heal();
  const codes = answers.map(({ code }) => code);
  expect(codes).toContain('database_unavailable');
  expect(codes.filter((code) => code !== 'database_unavailable' && code !== 'ok')).toEqual([]);
  for (const person of people) {
    const again = await refresh(gatehouse, person.refreshToken);
    expect((await refresh(gatehouse, again.body.refreshToken)).code).toBe('ok');
    expect(await counterOf(person)).toBe(2);
  }
});
