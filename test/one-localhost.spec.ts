import { createDatabase, type TestDatabase } from './support/database.js';
import { freePort } from './support/free-port.js';
import { Gatehouse } from './support/gatehouse.js';
import { sendRaw } from './support/raw.js';
import { freshEmail, PASSWORD, signUp } from './support/users.js';

/** A developer's machine: several projects on one host, whose cookies know no port, and several names for it. */
const NAME = 'gatehouse_refresh';
const WANTED = { 'x-token-delivery': 'cookie' };
let database: TestDatabase;
let gatehouse: Gatehouse;
/** Another project, with a secret and a database of its own. */
let other: Gatehouse;
let otherDatabase: TestDatabase;
let port: number;

beforeAll(async () => {
  [database, otherDatabase] = await Promise.all([createDatabase(), createDatabase()]);
  port = await freePort();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    PORT: String(port),
    PUBLIC_URL: `http://localhost:${port}`,
  });
  other = await Gatehouse.start({
    DATABASE_URL: otherDatabase.url,
    APP_SECRET: 'of-another-project-0123456789-abcdefghijk',
    PUBLIC_URL: 'http://localhost:3100',
  });
});

afterAll(async () => {
  await Promise.all([gatehouse?.stop(), other?.stop()]);
  await Promise.all([database?.drop(), otherDatabase?.drop()]);
});

/** The cookie of a new user of a server. */
async function cookieOf(server: Gatehouse): Promise<string> {
  const body = { email: freshEmail(), password: PASSWORD };
  const { headers } = await server.call('POST', '/v1/auth/register', { body, headers: WANTED });
  return headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

describe('the cookie of another project on the same host', () => {
  it.each(['/v1/auth/refresh', '/v1/auth/logout'])('outlives %s here, and goes on there', async (path) => {
    const cookie = await cookieOf(other);
    const answer = await gatehouse.call('POST', path, { headers: { cookie } });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([401, []]);
    expect((await other.call('POST', '/v1/auth/refresh', { headers: { cookie } })).status).toBe(200);
  });

  it('outlives a sign-out here too, and whatever is stored for another port', async () => {
    const cookie = await cookieOf(other);
    const { accessToken: token } = await signUp(gatehouse);
    const { status, headers } = await gatehouse.call('POST', '/v1/auth/logout', { token, headers: { cookie } });
    expect([status, headers.getSetCookie()]).toEqual([200, []]);
    expect(headers.get('clear-site-data') ?? '').not.toMatch(/cookies|\*/);
    expect((await other.call('POST', '/v1/auth/refresh', { headers: { cookie } })).status).toBe(200);
  });
});

/** What a browser that asked for `host` gets for a refresh, from a page at `origin`. */
async function refreshAt(host: string, origin: string, site: string | null): Promise<number | undefined> {
  const fields = {
    host,
    origin,
    cookie: await cookieOf(gatehouse),
    connection: 'close',
    'content-length': '0',
    ...(site !== null && { 'sec-fetch-site': site }),
  };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  const { statuses } = await sendRaw(gatehouse.url, ['POST /v1/auth/refresh HTTP/1.1', ...head, '', ''].join('\r\n'));
  return statuses[0];
}

describe('the page of this very server', () => {
  it.each(['localhost', '127.0.0.1', '[::1]'])(
    'is its own at http://%s, whatever name PUBLIC_URL has',
    async (name) => {
      for (const site of ['same-origin', null])
        expect(await refreshAt(`${name}:${port}`, `http://${name}:${port}`, site)).toBe(200);
    },
  );

  it.each([
    ['another program on this machine', () => `127.0.0.1:${port}`, () => 'http://127.0.0.1:5173', 'same-site'],
    ['another program, for an old browser', () => `127.0.0.1:${port}`, () => 'http://127.0.0.1:5173', null],
    ['another name of this machine', () => `127.0.0.1:${port}`, () => `http://[::1]:${port}`, 'cross-site'],
    [
      'a name that a stranger leads here',
      () => `evil.example:${port}`,
      () => `http://evil.example:${port}`,
      'same-origin',
    ],
    ['a name below localhost', () => `evil.localhost:${port}`, () => `http://evil.localhost:${port}`, 'same-origin'],
    [
      'a name that begins so',
      () => `127.0.0.1.evil.example:${port}`,
      () => `http://127.0.0.1.evil.example:${port}`,
      null,
    ],
    ['https', () => `127.0.0.1:${port}`, () => `https://127.0.0.1:${port}`, 'same-origin'],
    ['a browser that says otherwise', () => `127.0.0.1:${port}`, () => `http://127.0.0.1:${port}`, 'same-site'],
    ['an address of the network', () => `192.168.1.5:${port}`, () => `http://192.168.1.5:${port}`, 'same-origin'],
  ])('is not %s', async (_, host, origin, site) => {
    expect(await refreshAt(host(), origin(), site)).toBe(403);
  });

  it('is at PUBLIC_URL alone where that is not of this machine', async () => {
    const deployed = await Gatehouse.start({ DATABASE_URL: database.url, PUBLIC_URL: 'https://gate.example.com' });
    try {
      const headers = { cookie: `__Host-${NAME}=grt_a`, origin: deployed.url, 'sec-fetch-site': 'same-origin' };
      expect((await deployed.call('POST', '/v1/auth/refresh', { headers })).status).toBe(403);
    } finally {
      await deployed.stop();
    }
  });
});
