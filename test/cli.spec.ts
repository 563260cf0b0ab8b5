import { Client } from 'pg';
import { CliHost, cli } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, type Problem, signIn, signUp, type User } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** The command line beside a server that runs on the same database. */
let database: TestDatabase;
let gatehouse: Gatehouse;
let shell: CliHost;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  shell = new CliHost(database.url);
});

afterAll(async () => {
  await Promise.all([gatehouse?.stop(), shell?.stop()]);
  await database?.drop();
});

const lastEntry = async () =>
  (
    await database.query(
      `SELECT type, actor_id, data->>'operator' AS operator FROM audit_events ORDER BY id DESC LIMIT 1`,
    )
  )[0];

test('users:create makes a user whose password stands in no argument', async () => {
  const args = ['users:create', 'made@cli.test', '--username', 'made', '--role', 'admin', 'user'];
  const made = await cli(database.url, [...args, '--password-stdin'], { input: `${PASSWORD}\n` });
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect((await signIn(gatehouse, 'made@cli.test')).user.roles).toEqual(['admin', 'user']);
  const { password } = await shell.json<{ password: string }>(['users:create', 'gen@cli.test', '--generate-password']);
  await signIn(gatehouse, 'gen@cli.test', password);
  const again = await cli(database.url, args);
  expect([again.code, again.stdout, again.stderr]).toEqual([1, '', expect.stringContaining('email exists already')]);
  const common = await shell.run(['users:create', 'c@cli.test', '--password-stdin'], { input: 'password1' });
  expect([common.code, common.stderr]).toEqual([1, expect.stringContaining('password: ')]);
});

test('roles:grant and sessions:revoke are felt by the server and stand in the audit log with who did it', async () => {
  const person = await signUp(gatehouse, { username: 'felt' });
  // What is taken while the command waits for its turn stays taken.
  await database.query(`INSERT INTO roles (name) VALUES ('kept'), ('taken')`);
  await database.query(`INSERT INTO user_roles SELECT $1, unnest('{kept,taken}'::text[])`, [person.user.id]);
  const turn = new Client({ connectionString: database.url });
  await turn.connect();
  await turn.query('BEGIN');
  await turn.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [person.user.id]);
  const granting = shell.json<User>(['roles:grant', 'FELT', 'admin']);
  await waitFor(
    () =>
      database.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`),
    { until: ({ length }) => length > 0 },
  );
  await turn.query(`DELETE FROM user_roles WHERE role = 'taken'; COMMIT`);
  await turn.end();
  expect((await granting).roles).toEqual(['admin', 'kept', 'user']);
  expect(await lastEntry()).toEqual({
    type: 'user.roles_changed',
    actor_id: null,
    operator: expect.stringMatching(/^cli:\w/),
  });
  const stale = await gatehouse.call<Problem>('GET', '/v1/auth/session', { token: person.accessToken });
  expect(stale.body.code).toBe('token_stale');
  const [first, second] = [await signIn(gatehouse, person.user.email), await signIn(gatehouse, person.user.email)];
  expect(await shell.json(['sessions:revoke', '--session', first.session.id])).toEqual({ revoked: 1 });
  expect((await gatehouse.call('GET', '/v1/auth/session', { token: first.accessToken })).status).toBe(401);
  expect((await gatehouse.call('GET', '/v1/auth/session', { token: second.accessToken })).status).toBe(200);
  expect(await shell.json(['sessions:revoke', person.user.email])).toEqual({ revoked: 2 });
  expect((await gatehouse.call('GET', '/v1/auth/session', { token: second.accessToken })).status).toBe(401);
  expect(await lastEntry()).toMatchObject({ type: 'session.revoked', operator: expect.stringMatching(/^cli:\w/) });
  const third = await signIn(gatehouse, person.user.email);
  const shown = await shell.json<{ before: string }>(['sessions:revoke', '--before', '1h', '--role', 'kept']);
  expect(Date.now() - Date.parse(shown.before)).toBeGreaterThan(3_500_000);
  expect((await gatehouse.call('GET', '/v1/auth/session', { token: third.accessToken })).status).toBe(200);
  await shell.json(['sessions:revoke', '--before', '0s', '--user', 'felt']);
  await waitFor(
    async () => (await gatehouse.call('GET', '/v1/auth/session', { token: third.accessToken })).status === 401,
  );
  expect(await lastEntry()).toMatchObject({
    type: 'sessions.revoked_before',
    operator: expect.stringMatching(/^cli:\w/),
  });
});

test('a user invited from the command line has every entry with who did it', async () => {
  const { id } = await shell.json<User>(['users:create', 'invited@invite.test']);
  const entries = await database.query(
    `SELECT type, data->>'operator' AS operator FROM audit_events WHERE user_id = $1 ORDER BY id`,
    [id],
  );
  const operator = expect.stringMatching(/^cli:\w/);
  expect(entries).toEqual([
    { type: 'user.created', operator },
    { type: 'user.invited', operator },
  ]);
});

test('keys:rotate publishes the next key on a running server, and tokens go on', async () => {
  const { accessToken: token } = await signUp(gatehouse);
  // In the algorithm of the deployment, whatever the settings of the operator at the command line.
  const { kid } = await shell.json<{ kid: string }>(['keys:rotate'], { env: { JWT_ALG: 'RS256' } });
  const { body } = await gatehouse.call<{ keys: { kid: string }[] }>('GET', '/.well-known/jwks.json');
  expect(body.keys.map((key) => key.kid)).toContain(kid);
  expect((await gatehouse.call('GET', '/v1/auth/session', { token })).status).toBe(200);
  expect(await lastEntry()).toMatchObject({ type: 'key.rotated', operator: expect.stringMatching(/^cli:\w/) });
  const keys = 'SELECT kid, alg, signs_from > now() AS waits FROM signing_keys ORDER BY signs_from';
  expect(await database.query(keys)).toEqual([
    { kid: expect.any(String), alg: 'ES256', waits: false },
    { kid, alg: 'ES256', waits: true },
  ]);
});

test('a command with another APP_SECRET is refused and changes nothing', async () => {
  const state = () =>
    database.query('SELECT (SELECT count(*) FROM signing_keys) AS keys, (SELECT count(*) FROM users) AS users');
  const before = await state();
  const env = { APP_SECRET: 'another-secret-0123456789-zyxwvutsrqponm' };
  const commands = [['keys:rotate'], ['users:create', 'pepper@cli.test', '--generate-password']];
  for (const args of commands) {
    const { code, stdout, stderr } = await shell.run(args, { env });
    expect([code, stdout, stderr]).toEqual([78, '', expect.stringContaining('APP_SECRET is not the one')]);
  }
  expect(await state()).toEqual(before);
});

test('users:list is a table for people and JSON for programs', async () => {
  const { stdout } = await shell.run(['users:list', '--query', 'cli.test', '--limit', '1']);
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^id +email +username +roles/),
    expect.stringContaining('gen@cli.test'),
    '',
  ]);
  expect(await shell.json(['users:list', '--query', 'nobody at all'])).toEqual([]);
});

interface Diagnosis {
  findings: { level: string; text: string }[];
  request: { address: string; suppliedBy: string | null } | null;
}

const ALARMING: [what: string, env: Record<string, string>, faults: string[]][] = [
  ['our settings', {}, []],
  [
    'a trust in everybody',
    { TRUSTED_PROXIES: '0.0.0.0/0' },
    ['TRUSTED_PROXIES trusts 0.0.0.0/0', 'NODE_ENV is not production, but TRUSTED_PROXIES is set'],
  ],
  [
    'an example secret in production',
    { NODE_ENV: 'production', PUBLIC_URL: 'https://g.test' },
    ['APP_SECRET looks like'],
  ],
];

test.each(ALARMING)('doctor examines %s', async (_what, env, expected) => {
  const { code, stdout } = await shell.run(['doctor', '--json'], { env: { BCRYPT_COST: '10', ...env } });
  const { findings, request } = JSON.parse(stdout) as Diagnosis;
  const faults = findings.filter(({ level }) => level === 'fault').map(({ text }) => text);
  const sentences = expected.map((fault) => expect.stringContaining(fault));
  expect([code, faults, request]).toEqual([expected.length > 0 ? 1 : 0, sentences, null]);
  expect(findings.map(({ text }) => text)).toEqual(
    expect.arrayContaining([
      expect.stringContaining('SMTP_URL is not set'),
      expect.stringContaining('the same time'),
      expect.stringContaining('schema of the database is up to date'),
    ]),
  );
});

test('doctor tells of a name that is misspelt, and of plain http on the network', async () => {
  const { code, stdout } = await shell.run(['doctor'], {
    env: {
      SMTP_ULR: 'smtps://ada:hunter2@mail',
      PUBLIC_URL: 'http://192.168.1.5:3000',
      NODE_ENV: 'production',
      BCRYPT_COST: '10',
    },
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^warning {2}The environment sets SMTP_ULR, .*Is SMTP_URL meant\?$/m);
  expect(stdout).toMatch(/^FAULT {4}PUBLIC_URL is not https: .*no browser keeps the cookie/m);
  expect(stdout).not.toContain('hunter2');
});

test('doctor tells whose address the server sees, and which hop supplied it', async () => {
  const asked = ['doctor', '--peer', '::ffff:10.0.0.1', '--forwarded-for', '1.1.1.1, 8.8.8.8'];
  const trusting = await shell.run(asked, { env: { TRUSTED_PROXIES: '10.0.0.0/8' } });
  expect(trusting.stdout).toContain('come from 8.8.8.8, as the trusted proxy 10.0.0.1 wrote it');
  const { request } = await shell.json<Diagnosis>(asked);
  expect(request).toEqual({ address: '10.0.0.1', suppliedBy: null });
});

test('doctor migrates nothing, and says what it could not ask', async () => {
  const empty = await createDatabase({ empty: true });
  try {
    const old = await shell.run(['doctor'], { env: { DATABASE_URL: empty.url } });
    expect([old.code, old.stdout]).toEqual([
      1,
      expect.stringContaining('FAULT    The schema of the database is older'),
    ]);
    expect(await empty.query(`SELECT FROM pg_tables WHERE tablename = 'users'`)).toEqual([]);
  } finally {
    await empty.drop();
  }
});

const ABSENT = 'postgres://nobody@127.0.0.1:1/none';
const missing = () => Object.assign(new URL(database.url), { pathname: '/missing' }).href;
const WHY: [what: string, env: () => Record<string, string>, fault: string][] = [
  ['no database', () => ({ DATABASE_URL: ABSENT }), '(connect ECONNREFUSED 127.0.0.1:1). Check DATABASE_URL and'],
  ['no database to listen at', () => ({ DATABASE_DIRECT_URL: ABSENT }), 'Check DATABASE_DIRECT_URL and'],
  ['no database of the name', () => ({ DATABASE_URL: missing() }), 'named in DATABASE_URL does not exist'],
];

test.each(WHY)('doctor says why it could ask nothing where there is %s', async (_what, env, fault) => {
  const { code, stdout } = await shell.run(['doctor'], { env: env() });
  const faults = stdout.split('\n').filter((line) => line.startsWith('FAULT'));
  expect([code, faults]).toEqual([1, [expect.stringContaining(fault)]]);
});

test('a command names DATABASE_DIRECT_URL where only that one is wrong', async () => {
  const { stderr, code } = await shell.run(['users:list'], { env: { DATABASE_DIRECT_URL: ABSENT } });
  expect([code, stderr]).toEqual([69, expect.stringContaining('Check DATABASE_DIRECT_URL and')]);
});

const PRODUCTION = { NODE_ENV: 'production', PUBLIC_URL: 'https://g.test', BCRYPT_COST: '10' };
const SAID: [args: string[], code: number, words: string, env?: Record<string, string>][] = [
  [['--help'], 0, 'audit:verify'],
  [['users:import', '--help'], 0, 'passwordHash'],
  [[], 64, 'Usage'],
  [['bogus'], 64, 'unknown command'],
  [['users:create'], 64, 'missing required argument'],
  [['users:create', 'no address'], 1, 'email: Write an email address'],
  [['users:create', 'x@cli.test', '--username', 'a b'], 1, 'username: Use 3 to 32'],
  [['users:create', 'x@cli.test', '--name', '\u001b[2J'], 1, 'name: Write a name, without control characters.'],
  [['users:create', 'x@cli.test', '--role', 'Admin'], 1, 'roles/0: Use 1 to 64'],
  [['users:create', 'x@cli.test'], 1, 'cannot send mail', PRODUCTION],
  [['users:list', '--query', 'x@cli.test'], 0, 'Nobody.'],
  [['users:list', '--limit', 'many'], 64, 'whole number'],
  [['roles:grant', 'nobody', 'admin'], 1, 'There is no user nobody.'],
  [['roles:grant', 'made', 'ghost'], 1, 'There is no role ghost.'],
  [['sessions:revoke'], 64, 'or --before <time> with --role, --user or --all'],
  [['sessions:revoke', '--session', 'x'], 1, 'No session x is live.'],
  [['sessions:revoke', '--before', '2h'], 64, 'one of --role'],
  [['sessions:revoke', '--before', '2h', '--all', '--role', 'user'], 64, 'one of --role'],
  [['sessions:revoke', 'made', '--before', '2h', '--all'], 64, 'one of --role'],
  [['sessions:revoke', '--all'], 64, 'need --before'],
  [['sessions:revoke', '--before', 'noon', '--all'], 64, 'Write --before as a time'],
  [['sessions:revoke', '--before', '2999-01-01T00:00:00Z', '--all'], 1, 'before: Use a time in the past.'],
  [['sessions:revoke', '--before', '2h', '--role', 'ghost'], 1, 'There is no role ghost.'],
  [['sessions:revoke', '--before', '2h', '--user', 'nobody'], 1, 'There is no user nobody.'],
  [['audit:verify', '--expect', 'x'], 64, '--expect takes'],
  [['doctor', '--peer', 'x'], 64, '--peer takes'],
  [['doctor', '--forwarded-for', '1.1.1.1'], 64, 'needs --peer'],
  [['doctor'], 0, 'fine     SMTP_URL is not set: mails are shown at /dev/outbox.'],
];

test.each(SAID)('%j ends with %d and says: %s', async (args, code, words, env = {}) => {
  const { stdout, stderr, code: ended } = await shell.run(args, { env });
  expect([ended, stdout + stderr]).toEqual([code, expect.stringContaining(words)]);
  expect(stderr).not.toMatch(/ {4}at |node_modules|could not start/);
});

test.each([
  ['postgres://nobody@127.0.0.1:1/none', 69, 'cannot be reached'],
  ['not a url', 78, 'DATABASE_URL'],
])('with DATABASE_URL %s it ends with a sentence', async (url, code, words) => {
  const { stdout, stderr, code: ended } = await shell.run(['users:list'], { env: { DATABASE_URL: url } });
  expect([ended, stdout, stderr]).toEqual([code, '', expect.stringContaining(words)]);
});
