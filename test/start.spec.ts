import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, setting, type TestDatabase } from './support/database.js';
import { Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { processList } from './support/postgres-view.js';
import { APP_SECRET } from './support/server.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { PASSWORD, refresh, type SignedUp, signIn, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Starting and stopping: what a person reads, with which code it ends, and what is left behind. */
/** Milliseconds, below the 10 s for which a stop lets requests in flight go on: nothing was waited for. */
const STOP_LIMIT = 8_000;
const OTHER_SECRET = `${APP_SECRET}-other`;

let database: TestDatabase;
const folders: string[] = [];

beforeAll(async () => {
  database = await createDatabase({ empty: true });
});

afterAll(async () => {
  await database?.drop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
});

/** A folder that does not exist yet, removed after the run. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-start-'));
  folders.push(path);
  return join(path, 'data');
}

/** Whether anybody takes a new connection at this address. */
async function connects(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Runs a server that does not come to serve, and returns how it ended and what it said. */
async function failing(env: Record<string, string | undefined>) {
  const gatehouse = GatehouseProcess.launch({ DATABASE_URL: database.url, ...env });
  const limit = setTimeout(() => void gatehouse.kill(), 120_000);
  const { code, signal } = await gatehouse.exited;
  clearTimeout(limit);
  await gatehouse.stop();
  const said = gatehouse.output.trim();
  expect([signal, said.match(/^\s+at |node:internal|\.js:\d|Error:/m)?.[0]]).toEqual([null, undefined]);
  expect(said).not.toContain('serves on');
  return { code, said };
}

describe('settings', () => {
  test('every fault is told at once, by name, with code 78 and no value of a secret', async () => {
    const { code, said } = await failing({
      PORT: 'eighty',
      PUBLIC_URL: 'gatehouse.test',
      DATABASE_URL: 'mysql://user:hunter2@db/x',
      APP_SECRET: 'short-secret',
      JWT_ALG: 'none',
      ACCESS_TOKEN_TTL: '15',
      REFRESH_GRACE: '1h',
      BCRYPT_COST: '3',
      SIGNUP: 'maybe',
      CORS_ORIGINS: '*',
      TRUSTED_PROXIES: 'everybody',
      REVOCATION_FALLBACK: 'perhaps',
      BOOTSTRAP_ADMIN_EMAIL: 'root@example.com',
      LOG_LEVEL: 'loud',
      WORKERS: '0',
      JWT_SIGNING_KEY: '{"kty":"EC"}',
    });
    expect(code).toBe(78);
    const named = said.split('\n').flatMap((line) => /^\s+- (\w+)/.exec(line)?.[1] ?? []);
    expect(named.sort()).toEqual(
      [
        ...['ACCESS_TOKEN_TTL', 'APP_SECRET', 'BCRYPT_COST', 'BOOTSTRAP_ADMIN_EMAIL', 'CORS_ORIGINS', 'DATABASE_URL'],
        ...['JWT_ALG', 'JWT_SIGNING_KEY', 'LOG_LEVEL', 'PORT', 'PUBLIC_URL', 'REFRESH_GRACE', 'REVOCATION_FALLBACK'],
        ...['SIGNUP', 'TRUSTED_PROXIES', 'WORKERS'],
      ].sort(),
    );
    expect(said).not.toMatch(/hunter2|short-secret/);
  });

  test.concurrent.each<[string, Record<string, string | undefined>, string]>([
    ['no APP_SECRET in production', { NODE_ENV: 'production', APP_SECRET: undefined, BCRYPT_COST: '10' }, 'APP_SECRET'],
    ['an empty APP_SECRET in production', { NODE_ENV: 'production', APP_SECRET: '', BCRYPT_COST: '10' }, 'APP_SECRET'],
    [
      'an APP_SECRET of two letters in production',
      { NODE_ENV: 'production', APP_SECRET: 'ab'.repeat(32), BCRYPT_COST: '10' },
      'APP_SECRET must be random',
    ],
    ['a low BCRYPT_COST in production', { NODE_ENV: 'production', BCRYPT_COST: '9' }, 'BCRYPT_COST'],
    ['a key that is not for JWT_ALG', { JWT_ALG: 'RS256', JWT_SIGNING_KEY: ownSecret() }, 'JWT_ALG'],
    [
      'a bootstrap password that is too common',
      { BOOTSTRAP_ADMIN_EMAIL: 'root@example.com', BOOTSTRAP_ADMIN_PASSWORD: 'password1' },
      'BOOTSTRAP_ADMIN_PASSWORD',
    ],
    [
      'a bootstrap email that is none',
      { BOOTSTRAP_ADMIN_EMAIL: 'root', BOOTSTRAP_ADMIN_PASSWORD: 'nine violet tractors' },
      'BOOTSTRAP_ADMIN_EMAIL',
    ],
  ])('%s is refused with code 78', async (_, env, name) => {
    const { code, said } = await failing(env);
    expect([code, said]).toEqual([78, expect.stringContaining(name)]);
    expect(said).not.toContain('password1');
  });
});

function ownSecret(): string {
  return JSON.stringify({ kty: 'oct', kid: 'own', k: randomBytes(48).toString('base64url') });
}

describe('what stands in the way is one sentence', () => {
  test.concurrent('a taken port', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    try {
      for (const WORKERS of ['1', '2']) {
        const { code, said } = await failing({ PORT: String(port), WORKERS });
        expect([WORKERS, code, said]).toEqual([WORKERS, 69, expect.stringContaining(`Port ${port} is taken`)]);
      }
    } finally {
      blocker.close();
    }
  });

  const at = (change: (url: URL) => void) => {
    const url = new URL(process.env.TEST_DATABASE_URL ?? '');
    change(url);
    return url.href;
  };

  test.concurrent.each<[string, number, string, RegExp]>([
    ['nothing listens there', 69, at((url) => (url.port = '1')), /cannot be reached/],
    ['the host is unknown', 69, at((url) => (url.hostname = 'no-such-host.invalid')), /cannot be reached/],
    ['the password is wrong', 78, at((url) => (url.password = 'wrong-secret-word')), /refuses the user or password/],
    ['the database does not exist', 78, at((url) => (url.pathname = '/no_such_database')), /does not exist/],
  ])('%s: code %i', async (_, expected, url, sentence) => {
    const { code, said } = await failing({ DATABASE_URL: url });
    expect([code, said]).toEqual([expected, expect.stringMatching(sentence)]);
    expect(said.split('\n')).toHaveLength(1);
    expect(said).not.toContain(new URL(url).password);
  });

  test.concurrent('where only DATABASE_DIRECT_URL is wrong, that is named', async () => {
    const direct = at((url) => (url.pathname = '/no_such_database'));
    const { code, said } = await failing({ DATABASE_URL: at(() => undefined), DATABASE_DIRECT_URL: direct });
    expect([code, said]).toEqual([78, expect.stringContaining('named in DATABASE_DIRECT_URL does not exist')]);
    expect(said).not.toContain('DATABASE_URL');
  });

  test.concurrent('a database that never answers', async () => {
    const proxy = await TcpProxy.before(database.url);
    proxy.swallow();
    try {
      const { code, said } = await failing({ DATABASE_URL: proxy.url });
      expect([code, said]).toEqual([69, expect.stringContaining('cannot be reached')]);
    } finally {
      await proxy.close();
    }
  });
});

describe('stopping', () => {
  /** Takes connections and says nothing: the mail that is on its way there holds up a stop for as long as it may. */
  const silent = createServer().listen(0, '127.0.0.1');
  afterAll(() => silent.close());

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s, told twice, takes nobody in any more, finishes the sign-in in flight, and exits 0',
    async (signal) => {
      const { port } = silent.address() as AddressInfo;
      const gatehouse = await GatehouseProcess.start({
        DATABASE_URL: database.url,
        SMTP_URL: `smtp://127.0.0.1:${port}`,
        EMAIL_VERIFICATION: 'optional',
      });
      const [{ user }] = await Promise.all([signUp(gatehouse), gatehouse.call('GET', '/health/live')]);
      // Held in the middle by the lock on its row, until the server has been told to stop.
      await database.query('BEGIN');
      await database.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      const body = { email: user.email, password: PASSWORD };
      const inFlight = gatehouse.call<SignedUp>('POST', '/v1/auth/login', { body });
      await waitFor(async () => {
        const waiting = await database.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      });
      gatehouse.process.kill(signal);
      gatehouse.process.kill(signal);
      // Sooner than what it does besides is done.
      await waitFor(async () => (await connects(gatehouse.url)) === false, { within: 1_500 });
      await database.query('COMMIT');
      const answer = await inFlight;
      const answered = performance.now();
      expect(answer.status).toBe(200);
      expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
      // Neither the connection that is kept alive behind the answer nor the idle one holds it up.
      expect(performance.now() - answered).toBeLessThan(STOP_LIMIT);
      await gatehouse.stop();
      expect(await database.query('SELECT FROM sessions WHERE id = $1', [answer.body.session.id])).toHaveLength(1);
    },
  );

  test('no connection of it stays in the database', async () => {
    await waitFor(async () => {
      const left = await database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'gatehouse%'`,
      );
      return left.length === 0;
    });
  });
});

/** The children of a process, by the kernel's word. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}

const lives = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('WORKERS=2', () => {
  let proxy: TcpProxy;
  let gatehouse: GatehouseProcess;
  let workers: number[];
  beforeEach(async () => {
    proxy = await TcpProxy.before(database.url);
    gatehouse = await GatehouseProcess.start({ DATABASE_URL: proxy.url, WORKERS: '2' });
    workers = childrenOf(gatehouse.process.pid ?? 0);
  });
  afterEach(async () => {
    await gatehouse?.stop();
    await proxy?.close();
  });

  test('what befalls the link is logged by the process that leads them, as JSON', async () => {
    await proxy.refuse();
    await waitFor(() => gatehouse.output.includes('The link to the database is lost'));
    const said = gatehouse.output.split('\n').filter((line) => line.includes('The link to the database'));
    expect(said.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'warn', context: 'DatabaseLink' }),
    ]);
  });

  test('both serve over one link, a logout is felt by both, and all stop together', async () => {
    expect(workers).toHaveLength(2);
    const links = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'gatehouse listener%' AND datname = current_database()`;
    expect(await database.query(links)).toHaveLength(1);
    const { accessToken } = await signUp(gatehouse);
    const ask = () =>
      fetch(`${gatehouse.url}/v1/auth/session`, {
        headers: { authorization: `Bearer ${accessToken}`, connection: 'close' },
      });
    expect((await Promise.all(Array.from({ length: 10 }, ask))).map(({ status }) => status)).toEqual(
      Array(10).fill(200),
    );
    await gatehouse.call('POST', '/v1/auth/logout', { token: accessToken });
    await waitFor(async () =>
      (await Promise.all(Array.from({ length: 10 }, ask))).every(({ status }) => status === 401),
    );
    gatehouse.process.kill('SIGTERM');
    expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
    expect(workers.filter(lives)).toEqual([]);
  });

  test('a worker that dies is replaced, and so is the replacement that could not start; a primary that dies leaves none behind', async () => {
    await proxy.refuse();
    process.kill(workers[0] ?? 0, 'SIGKILL');
    await waitFor(() => gatehouse.output.includes('The database cannot be reached'));
    await proxy.heal();
    await waitFor(async () => {
      const now = childrenOf(gatehouse.process.pid ?? 0);
      return now.length === 2 && !now.includes(workers[0] ?? 0);
    });
    await signUp(gatehouse);
    const all = childrenOf(gatehouse.process.pid ?? 0);
    await gatehouse.kill();
    await waitFor(() => !all.some(lives));
  });
});

describe('the embedded Postgres', () => {
  const embedded = (DATA_DIR: string, secret?: string) =>
    GatehouseProcess.start({ DATABASE_URL: '', DATA_DIR, APP_SECRET: secret, BOOTSTRAP_ADMIN_EMAIL: '' });
  const postmasterOf = (dataDir: string) =>
    Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

  test('starts with no settings; the first admin is shown once and works; the data outlive kill -9 of either, and Postgres is brought back', async () => {
    const dataDir = folder();
    let gatehouse = await embedded(dataDir);
    try {
      const [, email = '', password = ''] = /(admin@gatehouse\.test) \/ (\S+)/.exec(gatehouse.output) ?? [];
      expect(password.length).toBeGreaterThanOrEqual(16);
      const admin = await signIn(gatehouse, email, password);
      expect(admin.user).toMatchObject({ username: 'admin', roles: ['admin', 'user'] });
      expect(gatehouse.output.split(password)).toHaveLength(2);
      const first = postmasterOf(dataDir);

      await gatehouse.kill();
      expect(lives(first)).toBe(true);
      // At home another secret is let go on. What the former sealed is of no use with it, and stays what it is.
      gatehouse = await embedded(dataDir, OTHER_SECRET);
      expect(postmasterOf(dataDir)).toBe(first);
      expect(gatehouse.output).not.toMatch(/first admin|admin@gatehouse\.test/);
      expect(gatehouse.output).toContain('APP_SECRET is another one than before');
      expect(await verdict(gatehouse, admin.accessToken)).toBe('invalid_token');
      const person = await signUp(gatehouse);

      process.kill(first, 'SIGKILL');
      expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
      await waitFor(async () => {
        const { status } = await gatehouse.call('GET', '/health/database');
        return status === 200 && postmasterOf(dataDir) !== first;
      });
      await signIn(gatehouse, person.user.email);
      expect((await refresh(gatehouse, person.refreshToken)).code).toBe('ok');

      await gatehouse.kill();
      gatehouse = await embedded(dataDir);
      expect(await verdict(gatehouse, admin.accessToken)).toBe('ok');
      await signIn(gatehouse, email, password);

      gatehouse.process.kill('SIGINT');
      expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
      expect(processList()).not.toContain(dataDir);
      expect(readdirSync(join(dataDir, 'postgres'))).not.toContain('postmaster.pid');
    } finally {
      await gatehouse.stop();
    }
  });
});

describe('an APP_SECRET that is not the one of the database is refused', () => {
  test('where one was made for this machine only, as beside a command meant for production', async () => {
    const dataDir = folder();
    const keys = () => database.query('SELECT kid FROM signing_keys');
    const before = await keys();
    expect(before).toHaveLength(1);
    const { code, said } = await failing({ DATA_DIR: dataDir, APP_SECRET: undefined });
    expect([code, said]).toEqual([78, expect.stringContaining('APP_SECRET is not the one')]);
    expect(await keys()).toEqual(before);
    // The embedded Postgres is never touched where DATABASE_URL is set.
    expect(readdirSync(dataDir)).toEqual(['app-secret']);
  });

  test('in production with JWT_SIGNING_KEY, where no key is stored', async () => {
    const { database: shared } = Gatehouse.shared();
    const { code, said } = await failing({
      DATABASE_URL: shared.url,
      NODE_ENV: 'production',
      BCRYPT_COST: '10',
      JWT_SIGNING_KEY: setting('TEST_SHARED_SIGNING_KEY'),
      APP_SECRET: OTHER_SECRET,
    });
    expect([code, said]).toEqual([78, expect.stringContaining('no password would fit')]);
    expect(said).not.toContain(OTHER_SECRET);
  });
});
