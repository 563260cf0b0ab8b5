import { withRoles } from './support/admins.js';
import { cli } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { hasPgBouncer, startPgBouncer, type TestPooler } from './support/pgbouncer.js';
import { freshEmail, PASSWORD, type Problem, refresh, type SignedUp, signIn, signUp } from './support/users.js';

/** What an operator may have set for a database or a role, each for good reasons of their own. */
const DEFAULTS = {
  default_transaction_deferrable: 'on',
  DateStyle: 'SQL, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  array_nulls: 'off',
  quote_all_identifiers: 'on',
  client_min_messages: 'error',
  lock_timeout: '1ms',
};
const BURST = 16;

let database: TestDatabase;
let servers: GatehouseProcess[] = [];
let pooler: TestPooler | undefined;

/** A database with these defaults, and two instances on it. */
async function start(isolation: string, url = (own: string) => own): Promise<void> {
  database = await createDatabase();
  const name = new URL(database.url).pathname.slice(1);
  for (const [setting, value] of Object.entries({ ...DEFAULTS, default_transaction_isolation: isolation }))
    await database.query(`ALTER DATABASE ${name} SET ${setting} = ${value.includes(',') ? value : `'${value}'`}`);
  const env = { DATABASE_URL: url(database.url), RATE_LIMITS: 'on', LOG_LEVEL: 'info' };
  servers = await Promise.all([GatehouseProcess.start(env), GatehouseProcess.start(env)]);
}

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  await pooler?.stop();
  pooler = undefined;
  await database?.drop();
});

const nth = (n: number) => servers[n % servers.length]!;

/** Much at once on the same rows, on both instances. A busy machine may answer 503 to some; the log tells why. */
async function burst(admin: SignedUp, person: SignedUp) {
  const answers = await Promise.all(
    Array.from({ length: BURST }, (_, n) => {
      const server = nth(n);
      const path = `/v1/users/${person.user.id}`;
      if (n % 4 === 0)
        return server.call<Problem>('PATCH', path, { body: { name: `Name ${n}` }, token: admin.accessToken });
      if (n % 4 === 1)
        return server.call<Problem>('PUT', `${path}/roles`, {
          body: { roles: n % 8 === 1 ? ['user'] : [] },
          token: admin.accessToken,
        });
      if (n % 4 === 2)
        return server.call<Problem>('POST', '/v1/auth/login', {
          body: { email: person.user.email, password: PASSWORD },
        });
      return server.call<Problem>('DELETE', `${path}/sessions`, { token: admin.accessToken });
    }),
  );
  return answers.map(({ status }) => status);
}

/** Wrong passwords for one account, on both instances in turns: how many are answered 401 before they are limited. */
async function guess(email: string): Promise<number> {
  let wrong = 0;
  for (let n = 0; n < 30; n++) {
    const answer = await nth(n).call<Problem>('POST', '/v1/auth/login', { body: { email, password: `wrong ${n}` } });
    if (answer.status === 429) return wrong;
    expect(answer.status).toBe(401);
    wrong++;
  }
  return wrong;
}

async function expectAllWell(): Promise<void> {
  const admin = await withRoles(nth(0), database, 'admin', 'user');
  const person = await signUp(nth(1), { email: freshEmail() });
  expect(await burst(admin, person)).not.toContain(500);
  const again = await signIn(nth(0), person.user.email);
  expect(Date.parse(again.session.expiresAt)).toBeGreaterThan(Date.now());
  expect((await refresh(nth(1), again.refreshToken)).code).toBe('ok');
  // As many as one instance alone would let through: the counts are shared.
  expect(await guess(person.user.email)).toBe(5);
  for (const { output } of servers) expect(output).not.toMatch(/counts for itself|could not serialize|"level":50/);
}

test.each(['serializable', 'repeatable read'])(
  '%s, and everything else otherwise: all goes well',
  async (isolation) => {
    await start(isolation);
    await expectAllWell();
  },
  120_000,
);

const throughPgBouncer = () => {
  test('the start and doctor say what to do, and nothing fails meanwhile', async () => {
    database = await createDatabase();
    const name = new URL(database.url).pathname.slice(1);
    await database.query(`ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable'`);
    pooler = await startPgBouncer(database.url, { pool_mode: 'transaction' });
    const env = { DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: database.url, RATE_LIMITS: 'on', LOG_LEVEL: 'info' };
    servers = await Promise.all([GatehouseProcess.start(env), GatehouseProcess.start(env)]);
    const mend = /ALTER ROLE \w+ SET default_transaction_isolation = 'read committed';/;
    for (const { output } of servers) expect(output).toMatch(mend);
    await expectAllWell();
    const { code, stdout } = await cli(pooler.url, ['doctor'], { env: { DATABASE_DIRECT_URL: database.url } });
    expect([code, stdout]).toEqual([1, expect.stringMatching(mend)]);
  }, 120_000);
};

// Where there is none, pooler.spec.ts says so; CI fails without one.
if (hasPgBouncer || process.env.CI === 'true') describe('behind a transaction pooler', throughPgBouncer);
