import { CliHost } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { hasPgBouncer, startPgBouncer, type TestPooler } from './support/pgbouncer.js';
import { signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** What one instance ends is felt by another through a pooler too, or neither of them starts. */
const throughPgBouncer = () => {
  let database: TestDatabase;
  let transactions: TestPooler;
  let sessions: TestPooler;

  beforeAll(async () => {
    database = await createDatabase();
    transactions = await startPgBouncer(database.url, { pool_mode: 'transaction' });
    sessions = await startPgBouncer(database.url, { pool_mode: 'session', default_pool_size: '60' });
  });

  afterAll(async () => {
    await Promise.all([transactions?.stop(), sessions?.stop()]);
    await database?.drop();
  });

  test.each(['1', '2'])(
    'where notifications are lost a start of %s process says in one sentence what to set, and exits 78',
    async (WORKERS) => {
      const gatehouse = GatehouseProcess.launch({ DATABASE_URL: transactions.url, WORKERS });
      expect((await gatehouse.exited).code).toBe(78);
      const said = gatehouse.output.split('\n').filter((line) => line.includes('DATABASE_DIRECT_URL'));
      expect(said).toEqual([expect.stringMatching(/^Notifications .*DATABASE_DIRECT_URL .*REVOCATION_FEED=poll\.$/)]);
    },
  );

  test('the doctor finds that too, and is content with either way out', async () => {
    const host = new CliHost(transactions.url);
    const doctor = (env: Record<string, string>) => host.run(['doctor', '--json'], { env });
    const [lost, direct, poll] = [
      await doctor({}),
      await doctor({ DATABASE_DIRECT_URL: database.url }),
      await doctor({ REVOCATION_FEED: 'poll' }),
    ];
    await host.stop();
    expect(lost.code).toBe(1);
    expect(lost.stdout).toContain('DATABASE_DIRECT_URL');
    for (const { stdout } of [direct, poll]) expect(stdout).not.toMatch(/Notifications .* do not arrive/);
  });

  test.each([
    [
      'in transaction mode with a direct URL',
      () => ({ DATABASE_URL: transactions.url, DATABASE_DIRECT_URL: database.url }),
    ],
    ['in transaction mode with poll', () => ({ DATABASE_URL: transactions.url, REVOCATION_FEED: 'poll' })],
    ['in session mode', () => ({ DATABASE_URL: sessions.url })],
  ])('%s: a logout, a role and a statement typed by hand are felt by the other instance', async (_, env) => {
    const [here, there] = await Promise.all([Gatehouse.start(env()), Gatehouse.start(env())]);
    try {
      const [left, raised, ended, bystander] = await Promise.all([1, 2, 3, 4].map(() => signUp(here)));
      const people = [left, raised, ended, bystander].map((person) => person?.accessToken ?? '');
      for (const token of people) expect(await verdict(there, token)).toBe('ok');
      await here.call('POST', '/v1/auth/logout', { token: people[0] ?? '' });
      await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [raised?.user.id]);
      await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [ended?.session.id]);
      const verdicts = () => Promise.all(people.map((token) => verdict(there, token)));
      await waitFor(async () => (await verdicts()).slice(0, 3).every((code) => code !== 'ok'), { within: 4_000 });
      expect(await verdicts()).toEqual(['session_revoked', 'token_stale', 'session_revoked', 'ok']);
    } finally {
      await Promise.all([here.stop(), there.stop()]);
    }
  });
};

const untried = () => {
  test('no pooler was tried: there is no pgbouncer (CI fails without one)', () => {
    expect(process.env.CI).not.toBe('true');
  });
};

describe('behind a pooler', hasPgBouncer ? throughPgBouncer : untried);
