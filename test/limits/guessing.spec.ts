import { createDatabase, type TestDatabase } from '../support/database.js';
import { type Api, Gatehouse, GatehouseProcess } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import { served } from '../support/served.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signUp } from '../support/users.js';

/** Nobody guesses a password, and nobody locks an owner out by guessing (ASVS 5.0, 6.3.1; CVE-2024-4629). */
let database: TestDatabase;
let one: GatehouseProcess;
let two: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  // Bursts in here are larger than the hash queue usually is.
  const env = { DATABASE_URL: database.url, RATE_LIMITS: 'on', TRUSTED_PROXIES: 'loopback', HASH_QUEUE: '500' };
  one = await GatehouseProcess.start(env);
  two = await GatehouseProcess.start(env);
});

afterAll(async () => {
  await Promise.all([one?.stop(), two?.stop()]);
  await database?.drop();
});

let next = 0;
/** An address that nobody else in this file has. */
const freshIp = () => `198.51.${100 + (next >> 8)}.${next++ & 255}`;
const from = (ip: string) => ({ 'x-forwarded-for': ip });

/** Signs up somebody from an address that nobody uses again. */
async function somebody(form: Record<string, unknown> = {}) {
  const email = freshEmail();
  const body = { email, password: PASSWORD, ...form };
  const answer = await one.call<SignedUp>('POST', '/v1/auth/register', { body, headers: from(freshIp()) });
  expect(answer.status).toBe(201);
  return { email, id: answer.body.user.id, token: answer.body.accessToken };
}

function login(body: { email?: string; username?: string }, ip: string, password = 'a wrong one', server: Api = one) {
  return server.call<Problem>('POST', '/v1/auth/login', { body: { password, ...body }, headers: from(ip) });
}

async function statuses(tries: Promise<{ status: number }>[]) {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(tries)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('an account from one address', () => {
  it('is refused after five wrong passwords, the right one too, with the standard headers', async () => {
    const { email } = await somebody();
    const ip = freshIp();
    for (let index = 0; index < 5; index++) expect((await login({ email }, ip)).body.code).toBe('invalid_credentials');
    const refused = await login({ email }, ip, PASSWORD);
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'retry-after': '1',
      'ratelimit-limit': '5',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '1',
    });
    expect((await login({ email }, freshIp(), PASSWORD)).status).toBe(200);
  });

  it('has its count set to nothing by a success', async () => {
    const { email } = await somebody();
    const ip = freshIp();
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 4; index++) expect((await login({ email }, ip)).status).toBe(401);
      expect((await login({ email }, ip, PASSWORD)).status).toBe(200);
    }
  });

  it('counts one account however it is named', async () => {
    const username = `u${Date.now().toString(36)}`;
    const { email } = await somebody({ username });
    const ip = freshIp();
    const names = [
      { email },
      { username },
      { email: email.toUpperCase() },
      { username: username.toUpperCase() },
      { email },
    ];
    for (const name of names) expect((await login(name, ip)).status).toBe(401);
    expect((await login({ username }, ip)).status).toBe(429);
  });

  it.each([
    ['somebody', async () => ({ email: (await somebody()).email })],
    ['nobody, by email', async () => ({ email: freshEmail() })],
    ['nobody, by username', async () => ({ username: `nobody${Date.now() % 1e6}` })],
    ['nobody, by a text that cannot be a name', async () => ({ email: '\0 nonsense' })],
  ])('lets at most 5 of a burst of 50 on two instances reach bcrypt: %s', async (_who, name) => {
    const who = await name();
    const ip = freshIp();
    const tries = Array.from({ length: 50 }, (_, index) => login(who, ip, 'a wrong one', index % 2 ? one : two));
    expect(await statuses(tries)).toEqual({ 401: 5, 429: 45 });
  });

  it('lets 40 at once in that have the right password', async () => {
    const { email } = await somebody();
    const ip = freshIp();
    // They wait for one row; those for which a busy machine has no time come again.
    const tries = Array.from({ length: 40 }, (_, index) =>
      served(() => login({ email }, ip, PASSWORD, index % 2 ? one : two)),
    );
    expect(await statuses(tries)).toEqual({ 200: 40 });
  });
});

describe('a password that somebody signed in is asked for', () => {
  const CHECKS = {
    'POST /v1/users/me/password': (password: string) => ({ currentPassword: password, newPassword: 'violet tractors' }),
    'POST /v1/users/me/email': (password: string) => ({ email: freshEmail(), password }),
    'DELETE /v1/users/me': (password: string) => ({ password }),
  };
  type Check = keyof typeof CHECKS;
  const checks = Object.keys(CHECKS) as Check[];
  const code = async (check: Check, token: string, ip: string, password: string) => {
    const [method, path] = check.split(' ') as [string, string];
    const { body } = await one.call<Problem>(method, path, { body: CHECKS[check](password), token, headers: from(ip) });
    return body.code;
  };

  it.each(checks)('counts with sign-ins and with every other: %s', async (check) => {
    const { email, token } = await somebody();
    const ip = freshIp();
    for (let index = 0; index < 5; index++) expect(await code(check, token, ip, 'a wrong one')).toBe('wrong_password');
    expect((await login({ email }, ip, PASSWORD)).body.code).toBe('rate_limited');
    for (const other of checks) expect(await code(other, token, ip, PASSWORD)).toBe('rate_limited');
    expect((await login({ email }, freshIp(), PASSWORD)).status).toBe(200);
  });

  it('is refused after five failed sign-ins', async () => {
    const { email, token } = await somebody();
    const ip = freshIp();
    for (let index = 0; index < 5; index++) expect((await login({ email }, ip)).status).toBe(401);
    for (const check of checks) expect(await code(check, token, ip, PASSWORD)).toBe('rate_limited');
  });
});

describe('an account from everywhere', () => {
  it('opens to known addresses only after 100 wrong passwords in a row, and to all after a success', async () => {
    const { email } = await somebody();
    const home = freshIp();
    expect((await login({ email }, home, PASSWORD)).status).toBe(200);
    const attack = Array.from({ length: 120 }, (_, index) =>
      login({ email }, freshIp(), 'guess', index % 2 ? one : two),
    );
    expect(await statuses(attack)).toEqual({ 401: 100, 429: 20 });
    const stranger = await login({ email }, freshIp(), PASSWORD);
    expect([stranger.status, stranger.headers.get('retry-after')]).toEqual([429, '900']);
    expect((await login({ email }, home, PASSWORD, two)).status).toBe(200);
    expect((await login({ email }, freshIp(), PASSWORD)).status).toBe(200);
  });

  it('opens to its owner, wherever they are, by a password reset', async () => {
    const { email } = await somebody();
    const ip = freshIp();
    const attack = Array.from({ length: 120 }, (_, index) => login({ email }, index < 10 ? ip : freshIp()));
    expect(await statuses(attack)).toEqual({ 401: 100, 429: 20 });
    expect((await login({ email }, ip, PASSWORD)).status).toBe(429);

    const headers = from(ip);
    await one.call('POST', '/v1/auth/password/forgot', { body: { email }, headers });
    const token = await tokenFor(one, email);
    const password = 'another violet tractor';
    const reset = (body: object) => one.call<Problem>('POST', '/v1/auth/password/reset', { body, headers });
    // Asking for the mail opens nothing, and neither does a link that is none or a password that is refused.
    expect((await reset({ token: `${token}x`, password })).status).toBe(400);
    expect((await reset({ token, password: '12345678' })).body.code).toBe('password_too_common');
    expect((await login({ email }, freshIp(), PASSWORD)).status).toBe(429);

    expect((await reset({ token, password })).status).toBe(200);
    expect((await login({ email }, freshIp())).status).toBe(401);
    // The attack goes on before the owner has signed in.
    expect(await statuses(Array.from({ length: 120 }, () => login({ email }, freshIp())))).toEqual({
      401: 99,
      429: 21,
    });
    expect((await login({ email }, freshIp(), password)).status).toBe(429);
    expect((await login({ email }, ip)).status).toBe(401);
    expect((await login({ email }, ip, password)).status).toBe(200);
    expect((await login({ email }, freshIp(), password)).status).toBe(200);
  });

  it('answers alike about an account that does not exist', async () => {
    const email = freshEmail();
    const attack = Array.from({ length: 110 }, () => login({ email }, freshIp()));
    expect(await statuses(attack)).toEqual({ 401: 100, 429: 10 });
    expect((await login({ email }, freshIp())).headers.get('retry-after')).toBe('900');
  });

  it('knows an IPv6 address by its /64, and keeps it when the session is gone', async () => {
    const { email, id } = await somebody();
    expect((await login({ email }, '2001:db8:77:1::1', PASSWORD)).status).toBe(200);
    await database.query('DELETE FROM sessions WHERE user_id = $1', [id]);
    await statuses(Array.from({ length: 100 }, () => login({ email }, freshIp())));
    expect((await login({ email }, '2001:db8:77:2::1', PASSWORD)).status).toBe(429);
    expect((await login({ email }, '2001:db8:77:1:ffff::2', PASSWORD)).status).toBe(200);
  });
});

describe('an address over all accounts', () => {
  it('may be wrong 100 times in 15 minutes, and being right does not make it less', async () => {
    const ip = freshIp();
    const { email } = await somebody();
    const tries = Array.from({ length: 60 }, (_, index) =>
      login({ email: freshEmail() }, ip, 'x', index % 2 ? one : two),
    );
    expect(await statuses(tries)).toEqual({ 401: 60 });
    expect((await login({ email }, ip, PASSWORD)).status).toBe(200);
    expect(await statuses(Array.from({ length: 60 }, () => login({ email: freshEmail() }, ip)))).toEqual({
      401: 40,
      429: 20,
    });
    const refused = await login({ email }, ip, PASSWORD);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(900);

    // A flood of what is refused anyway is not even read, but for one request in a second.
    const malformed = await Promise.all(
      Array.from({ length: 20 }, () => one.call('POST', '/v1/auth/login', { body: '{"email":', headers: from(ip) })),
    );
    const unread = malformed.filter(({ status }) => status === 429);
    expect(unread.length).toBeGreaterThan(10);
    expect(unread[0]?.headers.get('ratelimit-limit')).toBe('100');
    const elsewhere = { body: '{"email":', headers: from(freshIp()) };
    expect((await one.call('POST', '/v1/auth/login', elsewhere)).status).toBe(400);
    // A registration guesses nothing, and is read.
    const registration = { body: '{"email":', headers: from(ip) };
    const registrations = Array.from({ length: 5 }, () => one.call('POST', '/v1/auth/register', registration));
    expect(await statuses(registrations)).toEqual({ 400: 5 });
  });

  it('is a /64 for IPv6, however written, and one IPv4 address however it comes', async () => {
    const email = freshEmail();
    const spellings = [
      '2001:db8:9::1',
      '2001:DB8:9:0:1::',
      '2001:0db8:0009:0000:ffff::1',
      '2001:db8:9:0::abcd',
      '2001:db8:9::2',
    ];
    for (const ip of spellings) expect((await login({ email }, ip)).status).toBe(401);
    expect((await login({ email }, '2001:db8:9::3')).status).toBe(429);
    expect((await login({ email }, '2001:db8:9:1::3')).status).toBe(401);

    const other = freshEmail();
    for (const ip of ['::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1', '::FFFF:192.0.2.1'])
      expect((await login({ email: other }, ip)).status).toBe(401);
    expect((await login({ email: other }, '192.0.2.1')).status).toBe(429);
    expect((await login({ email: other }, '::ffff:192.0.2.2')).status).toBe(401);
  });

  it('may register 20 times an hour', async () => {
    const headers = from(freshIp());
    const register = (server: GatehouseProcess) => {
      return server.call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD }, headers });
    };
    expect(await statuses(Array.from({ length: 30 }, (_, index) => register(index % 2 ? one : two)))).toEqual({
      201: 20,
      429: 10,
    });
    const refused = await register(one);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500);
    expect(refused.headers.get('ratelimit-limit')).toBe('20');
  });
});

it('lets a /48 register 200 times an hour, from however many of its networks, and its neighbours go on', async () => {
  const register = (ip: string, index: number) =>
    (index % 2 ? one : two).call('POST', '/v1/auth/register', {
      body: { email: freshEmail(), password: PASSWORD },
      headers: from(ip),
    });
  const site = (index: number) => `2001:db8:5:${index.toString(16)}::1`;
  const tries = Array.from({ length: 220 }, (_, index) => register(site(index % 110), index));
  expect(await statuses(tries)).toEqual({ 201: 200, 429: 20 });
  const refused = await register(site(65_535), 0);
  expect([refused.status, refused.headers.get('ratelimit-limit')]).toEqual([429, '200']);
  expect((await register('2001:db8:6::1', 0)).status).toBe(201);
});

it('stores no email and no address with its counts', async () => {
  const email = freshEmail();
  const ip = '203.0.113.99';
  await login({ email }, ip);
  const rows = await database.query<{ key: string }>('SELECT key FROM guesses UNION ALL SELECT key FROM quotas');
  expect(rows.length).toBeGreaterThan(2);
  for (const { key } of rows) expect(key.replace(/^[a-z-]+:/, '')).toMatch(/^[\w-]{32}$/);
});

it('counts no guess that the hash queue did not take', async () => {
  const { email } = await somebody();
  const small = await GatehouseProcess.start({
    DATABASE_URL: database.url,
    RATE_LIMITS: 'on',
    TRUSTED_PROXIES: 'loopback',
    HASH_QUEUE: '1',
    BCRYPT_COST: '11',
  });
  try {
    const flood = Array.from({ length: 60 }, () => login({ email: freshEmail() }, freshIp(), 'x', small));
    const shed = await Promise.all(Array.from({ length: 30 }, () => login({ email }, '192.0.2.50', PASSWORD, small)));
    expect(shed.filter(({ status }) => status === 503).length).toBeGreaterThan(10);
    expect(shed.find(({ status }) => status === 503)?.headers.get('retry-after')).toMatch(/^\d+$/);
    await Promise.all(flood);
    expect((await login({ email }, '192.0.2.50', PASSWORD)).status).toBe(200);
  } finally {
    await small.stop();
  }
});

it('counts for itself, and neither opens nor closes, while the shared count fails', async () => {
  const { email } = await somebody();
  const alone = await createDatabase();
  const server = await Gatehouse.start({
    DATABASE_URL: alone.url,
    RATE_LIMITS: 'on',
    TRUSTED_PROXIES: 'loopback',
  });
  try {
    const { user } = await signUp(server);
    await alone.query('ALTER FUNCTION guesses_reserve RENAME TO broken');
    await alone.query('ALTER TABLE quotas RENAME TO broken_quotas');
    const ip = freshIp();
    expect((await login({ email: user.email }, ip, PASSWORD, server)).status).toBe(200);
    expect(await statuses(Array.from({ length: 50 }, () => login({ email }, ip, 'x', server)))).toEqual({
      401: 5,
      429: 45,
    });
    const headers = from(freshIp());
    const register = () =>
      server.call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD }, headers });
    expect(await statuses(Array.from({ length: 25 }, register))).toEqual({ 201: 20, 429: 5 });
  } finally {
    await server.stop();
    await alone.drop();
  }
});
