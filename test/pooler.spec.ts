import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withRoles } from './support/admins.js';
import { CliHost, cli } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { mailsTo } from './support/mail.js';
import { carriesNames, hasPgBouncer, startPgBouncer, type TestPooler } from './support/pgbouncer.js';
import type { Schemas } from './support/schemas.js';
import { served } from './support/served.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { freshEmail, PASSWORD, type Problem, refresh, type SignedUp, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** DATABASE_URL is a PgBouncer as it comes, with nothing set but what it cannot do without. */
const SESSIONS = 40;
const ROTATIONS = 5;
const WAVES = 5;

/** Mode, connections to the server, how the log says that statements are sent. A session pooler needs one for each of ours. */
const MODES = [
  ['transaction', { pool_mode: 'transaction', default_pool_size: '5' }],
  ['session', { pool_mode: 'session' }],
] as const;

/** The statuses of many answers, and how many of each. */
function tally(answers: { status: number; text: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, text } of answers) {
    const said = status < 400 ? String(status) : `${status} ${text}`;
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
}

const untried = () => {
  test('no pooler was tried: there is no pgbouncer (CI fails without one)', () => {
    expect(process.env.CI).not.toBe('true');
  });
};

const throughPgBouncer = () => {
  describe.each(MODES)('PgBouncer in %s mode', (_mode, settings) => {
    let database: TestDatabase;
    let pooler: TestPooler;
    let gatehouse: GatehouseProcess;
    let admin: SignedUp;

    beforeAll(async () => {
      database = await createDatabase();
      pooler = await startPgBouncer(database.url, settings);
      gatehouse = await GatehouseProcess.start({
        DATABASE_URL: pooler.url,
        DATABASE_DIRECT_URL: database.url,
        DATABASE_POOL: '10',
        LOG_LEVEL: 'info',
      });
      admin = await withRoles(gatehouse, database, 'admin');
    });

    afterAll(async () => {
      await gatehouse?.stop();
      await pooler?.stop();
      await database?.drop();
    });

    const get = <T>(path: string) => gatehouse.call<T>('GET', path, { token: admin.accessToken });

    test('it is found, and what was prepared by name is found again or has no name', async () => {
      const names = settings.pool_mode === 'session' || carriesNames ? 'with' : 'without';
      expect(gatehouse.output).toContain(`statements are sent ${names} names`);
    });

    test('every login and refresh of a crowd is answered, and each session is one chain', async () => {
      const people = await Promise.all(Array.from({ length: SESSIONS }, () => signUp(gatehouse)));
      const chains = people.map(async ({ refreshToken }) => {
        const tokens = [refreshToken];
        while (tokens.length <= ROTATIONS) {
          const answer = await refresh(gatehouse, tokens.at(-1) ?? '');
          expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
          tokens.push(answer.body.refreshToken);
        }
        return tokens;
      });
      // In waves: more at once are shed, which is not the pooler's doing.
      for (let wave = 0; wave < WAVES; wave++) {
        const logins = people.map(({ user }) =>
          served(() => gatehouse.call('POST', '/v1/auth/login', { body: { email: user.email, password: PASSWORD } })),
        );
        expect(tally(await Promise.all(logins))).toEqual({ 200: SESSIONS });
      }
      const spent = (await Promise.all(chains)).map((tokens) => new Set(tokens).size);
      expect(new Set(spent)).toEqual(new Set([ROTATIONS + 1]));
      const ids = people.map(({ session }) => session.id);
      const rows = await database.query<{ counter: number }>(
        'SELECT counter FROM sessions WHERE id = ANY ($1) AND revoked_at IS NULL',
        [ids],
      );
      expect(rows.map(({ counter }) => counter)).toEqual(ids.map(() => ROTATIONS));
    });

    test('a spent token is still told from a new one', async () => {
      const { refreshToken, session } = await signUp(gatehouse);
      const first = (await refresh(gatehouse, refreshToken)).body;
      const second = (await refresh(gatehouse, first.refreshToken)).body;
      expect((await refresh(gatehouse, refreshToken)).code).toBe('refresh_reused');
      expect((await refresh(gatehouse, second.refreshToken)).code).toBe('session_revoked');
      await waitFor(async () => (await verdict(gatehouse, second.accessToken)) === 'session_revoked');
      expect(await database.query('SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL', [session.id])).toEqual(
        [],
      );
    });

    test('a logout, a rename and the mail of a new account', async () => {
      const { user, accessToken, refreshToken } = await signUp(gatehouse);
      const renamed = await gatehouse.call('PATCH', '/v1/users/me', { token: accessToken, body: { name: 'Ada' } });
      expect(renamed.status).toBe(200);
      await waitFor(async () => (await mailsTo(gatehouse, user.email)).length > 0);
      expect((await gatehouse.call('POST', '/v1/auth/logout', { token: accessToken })).status).toBe(200);
      expect(await verdict(gatehouse, accessToken)).toBe('session_revoked');
      expect((await refresh(gatehouse, refreshToken)).code).toBe('session_revoked');
    });

    test('what administrators see: users, a search, figures and the audit log', async () => {
      const { user } = await signUp(gatehouse, { name: 'Grace Hopper' });
      const list = await get<Schemas['UserPage']>('/v1/users');
      expect([list.status, list.body.items.length]).toEqual([200, expect.any(Number)]);
      const found = await get<Schemas['UserPage']>(`/v1/users?query=${encodeURIComponent(user.email)}`);
      expect(found.body.items.map(({ id }) => id)).toEqual([user.id]);
      for (const path of ['/v1/dashboard', '/v1/audit']) expect((await get(path)).status).toBe(200);
    });

    test('the command line imports, and verifies a log that is sealed', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pooler-'));
      const shell = new CliHost(pooler.url);
      try {
        const file = join(folder, 'users.ndjson');
        const emails = Array.from({ length: 50 }, freshEmail);
        writeFileSync(file, emails.map((email) => `${JSON.stringify({ email })}\n`).join(''));
        const env = { DATABASE_DIRECT_URL: database.url };
        const imported = await shell.json<{ imported: number }>(['users:import', file], { env });
        expect(imported.imported).toBe(emails.length);
        const report = await shell.json<{ faults: unknown[] }>(['audit:verify'], { env });
        expect(report.faults).toEqual([]);
      } finally {
        await shell.stop();
        rmSync(folder, { recursive: true });
      }
      await waitFor(async () => (await database.query('SELECT FROM audit_unsealed')).length === 0);
    });

    test('nothing of it was a fault of ours', () => {
      expect(gatehouse.output).not.toMatch(/internal_error|unhandled|prepared statement|cannot be reached/i);
    });
  });

  /** Runs `work` behind a transaction pooler of its own. */
  async function pooled(empty: boolean, work: (pooler: TestPooler, database: TestDatabase) => Promise<void>) {
    const database = await createDatabase({ empty });
    const pooler = await startPgBouncer(database.url, { pool_mode: 'transaction', default_pool_size: '5' });
    try {
      await work(pooler, database);
    } finally {
      await pooler.stop();
      await database.drop();
    }
  }

  test('a server that PgBouncer has lost is a database that is away, and it is there again', async () => {
    const database = await createDatabase();
    const link = await TcpProxy.before(database.url);
    // It would try again after 15 s.
    const pooler = await startPgBouncer(link.url, { pool_mode: 'transaction', server_login_retry: '1' });
    const gatehouse = await Gatehouse.start({ DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: database.url });
    try {
      const { refreshToken, accessToken } = await signUp(gatehouse);
      await link.refuse();
      const asked = [
        gatehouse.call<Problem>('GET', '/v1/users/me', { token: accessToken }),
        gatehouse.call<Problem>('POST', '/v1/auth/logout', { token: accessToken }),
        gatehouse.call<Problem>('POST', '/v1/auth/refresh', { body: { refreshToken } }),
        gatehouse.call<Problem>('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD } }),
      ];
      for (const { status, body, headers } of await Promise.all(asked)) {
        expect([status, body.code]).toEqual([503, 'database_unavailable']);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      }
      await link.heal();
      await waitFor(async () => (await verdict(gatehouse, accessToken, '/v1/users/me')) === 'ok');
      expect((await refresh(gatehouse, refreshToken)).code).toBe('ok');
    } finally {
      await gatehouse.stop();
      await pooler.stop();
      await link.close();
      await database.drop();
    }
  });

  test('limits count through a transaction pooler, though a library names the statements of some', () =>
    pooled(false, async ({ url }, database) => {
      const env = { DATABASE_URL: url, DATABASE_DIRECT_URL: database.url, RATE_LIMITS: 'on' };
      const gatehouse = await Gatehouse.start(env);
      try {
        const form = () => ({ body: { email: freshEmail(), password: PASSWORD } });
        const signUps = Array.from({ length: 25 }, () =>
          served(() => gatehouse.call('POST', '/v1/auth/register', form())),
        );
        const counts = (await Promise.all(signUps)).map(({ status }) => status);
        expect([...new Set(counts)].sort()).toEqual([201, 429]);
        const guess = form();
        const guesses = Array.from({ length: 30 }, () => served(() => gatehouse.call('POST', '/v1/auth/login', guess)));
        const refused = (await Promise.all(guesses)).map(({ status }) => status);
        expect(refused.filter((status) => status === 401)).toHaveLength(5);
        expect(refused.filter((status) => status === 429)).toHaveLength(25);
        expect(await database.query('SELECT FROM quotas')).not.toEqual([]);
        expect(await database.query('SELECT FROM guesses')).not.toEqual([]);
      } finally {
        await gatehouse.stop();
      }
    }));

  test('processes that start at once migrate once through a transaction pooler, and leave no lock behind', () =>
    pooled(true, async ({ url }, database) => {
      const starts = Array.from({ length: 2 }, () => cli(url, ['audit:verify', '--json']));
      for (const { code, stderr } of await Promise.all(starts)) expect([code, stderr]).toEqual([0, '']);
      const locks = `SELECT FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      expect(await database.query(locks)).toEqual([]);
      expect((await cli(url, ['audit:verify'])).code).toBe(0);
    }));
};

if (hasPgBouncer || process.env.CI === 'true') throughPgBouncer();
else untried();
