import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VENDORS } from '../src/admin/import/vendors/vendors.js';
import { CliHost } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { tokenFor } from './support/mail.js';
import { PASSWORD, type Problem, signIn, type User } from './support/users.js';

/** The raw export of each program: who signs in afterwards, what is refused, and what is said to be left out. */
interface Result {
  imported: number;
  refused: number;
  withoutPassword: number;
  notTaken: Record<string, number>;
  refusals: { line: number; email: string | null; reason: string }[];
}

interface Case {
  from: string;
  /** Files of test/imports. */
  args: string[];
  /** By the first part of the address. */
  users: Record<string, Partial<User>>;
  signIn?: string[];
  withoutPassword?: number;
  refused?: [line: number, reason: string][];
  notTaken?: Record<string, number>;
  password?: string;
}

const ADMIN = 'admin@example.com';
const path = (name: string) => fileURLToPath(new URL(`./imports/${name}`, import.meta.url));
const CREATED = '2020-01-02T03:04:05.678Z';
const ROUND = '2020-01-02T03:04:05.000Z';
const SEEN = '2020-01-03T03:04:05.678Z';

const CASES: Case[] = [
  {
    from: 'firebase',
    args: ['firebase.json', '--firebase', 'firebase-hashing.json'],
    withoutPassword: 1,
    users: {
      firebase: {
        name: 'Ada Firebase',
        emailVerified: true,
        createdAt: ROUND,
        lastLoginAt: '2020-01-02T03:04:06.000Z',
      },
      'firebase-off': { status: 'disabled', emailVerified: false, lastLoginAt: null },
    },
    signIn: ['firebase'],
    password: 'user1password',
    refused: [[30, 'email: ']],
    notTaken: { 'phone numbers': 1, 'outside identities': 1, 'custom claims': 1, pictures: 1 },
  },
  {
    from: 'auth0',
    args: ['auth0-users.ndjson', '--accounts', 'auth0-hashes.ndjson'],
    withoutPassword: 1,
    users: {
      auth0: { name: 'Ada Auth', username: 'ada_auth0', emailVerified: true, createdAt: CREATED, lastLoginAt: SEEN },
      'auth0-google': { name: null, username: null, status: 'disabled', createdAt: CREATED },
    },
    signIn: ['auth0'],
    notTaken: { 'second factors': 1, metadata: 1, pictures: 1, 'outside identities': 1 },
  },
  {
    from: 'auth0',
    args: ['auth0-users.csv', '--accounts', 'auth0-hashes.ndjson'],
    users: {
      'auth0-csv': { name: 'Ada', emailVerified: true, createdAt: CREATED },
      'auth0-lost': { name: null, emailVerified: false },
    },
    signIn: ['auth0-csv'],
    withoutPassword: 1,
  },
  {
    from: 'supabase',
    args: ['supabase.csv'],
    withoutPassword: 1,
    users: {
      supabase: {
        name: 'Ada "S" Base',
        emailVerified: true,
        createdAt: CREATED,
        lastLoginAt: '2020-01-03T03:04:05.000Z',
      },
      'supabase-off': { status: 'disabled', emailVerified: false, createdAt: ROUND },
    },
    signIn: ['supabase'],
    refused: [[4, 'The user is deleted there.']],
    notTaken: { 'outside identities': 1, metadata: 1 },
  },
  {
    from: 'keycloak',
    args: ['keycloak.json'],
    withoutPassword: 1,
    users: {
      'keycloak-sha256': { name: 'Ada Cloak', username: 'keycloak-sha256', roles: ['user'], createdAt: ROUND },
      'keycloak-sha512': { emailVerified: true },
      'keycloak-sha1': { roles: ['admin'] },
      'keycloak-argon2': {},
      'keycloak-off': { status: 'disabled', emailVerified: false },
    },
    signIn: ['keycloak-sha256', 'keycloak-sha512', 'keycloak-sha1', 'keycloak-argon2'],
    refused: [
      [-1, 'roles: There is no role ghost.'],
      [-1, 'one that would take too long to check'],
    ],
    notTaken: { 'second factors': 1, groups: 1 },
  },
  {
    from: 'clerk',
    args: ['clerk.csv'],
    withoutPassword: 1,
    users: {
      clerk: { name: 'Ada Clerk', username: 'ada.clerk', emailVerified: true },
      'clerk-new': { emailVerified: false, username: null, name: null },
    },
    signIn: ['clerk'],
    notTaken: { 'further addresses': 1, 'second factors': 1 },
  },
  {
    from: 'cognito',
    args: ['cognito.json'],
    withoutPassword: 2,
    users: {
      cognito: { name: 'Ada Cognito', username: null, emailVerified: true, createdAt: CREATED },
      'cognito-off': { username: 'cognito.off', status: 'disabled', createdAt: CREATED },
    },
    notTaken: { 'custom attributes': 1, 'phone numbers': 1 },
  },
  {
    from: 'cognito',
    args: ['cognito.csv'],
    withoutPassword: 1,
    users: { 'cognito-csv': { name: 'Ada', username: 'cognito.csv', emailVerified: true } },
    notTaken: { 'second factors': 1 },
  },
  {
    from: 'wordpress',
    args: ['wordpress.csv'],
    users: {
      'wordpress-68': { username: 'wordpress-68', name: 'Ada; Press', createdAt: ROUND, emailVerified: false },
      'wordpress-phpass': { username: null, name: 'Ada' },
      'wordpress-md5': { name: null },
    },
    signIn: ['wordpress-68', 'wordpress-phpass', 'wordpress-md5'],
    notTaken: { 'web addresses': 1, 'usernames of another form': 1 },
  },
  {
    from: 'django',
    args: ['django.json'],
    withoutPassword: 1,
    users: {
      'django-pbkdf2': { name: 'Ada Jango', username: 'django-pbkdf2', createdAt: CREATED, lastLoginAt: SEEN },
      'django-bcrypt': {},
      'django-scrypt': {},
      'django-argon2': {},
      'django-off': { status: 'disabled', lastLoginAt: null },
    },
    signIn: ['django-pbkdf2', 'django-bcrypt', 'django-scrypt', 'django-argon2'],
    notTaken: { 'staff and superuser marks': 1 },
  },
  {
    from: 'django',
    args: ['django.csv'],
    users: { 'django-csv': { name: 'Ada', status: 'active', createdAt: CREATED } },
    signIn: ['django-csv'],
  },
  {
    from: 'laravel',
    args: ['laravel.csv'],
    users: {
      laravel: { name: 'Ada Ravel', emailVerified: true, createdAt: ROUND },
      'laravel-new': { emailVerified: false },
    },
    signIn: ['laravel', 'laravel-new'],
  },
  {
    from: 'devise',
    args: ['devise.tsv', '--pepper', 'devise-pepper.txt'],
    users: { devise: { emailVerified: true, createdAt: CREATED, lastLoginAt: '2020-01-03T03:04:05.000Z' } },
    signIn: ['devise'],
    notTaken: { 'outside identities': 1 },
  },
  {
    from: 'aspnet',
    args: ['aspnet.csv'],
    users: {
      'aspnet-v3': { username: null, emailVerified: true, status: 'active' },
      'aspnet-v2': { username: 'aspnet.v2', emailVerified: true, status: 'disabled' },
      'aspnet-sha256': { emailVerified: false },
    },
    signIn: ['aspnet-v3', 'aspnet-v2', 'aspnet-sha256'],
    refused: [[5, 'not a hash of a known kind']],
    notTaken: { 'second factors': 1 },
  },
  {
    from: 'better-auth',
    args: ['better-auth.json', '--accounts', 'better-auth.json'],
    withoutPassword: 1,
    users: {
      'better-auth': { name: 'Ada Better', roles: ['admin', 'user'], emailVerified: true, createdAt: CREATED },
      'better-auth-off': { status: 'disabled', roles: ['user'] },
    },
    signIn: ['better-auth'],
    notTaken: { 'outside identities': 1 },
  },
  {
    from: 'better-auth',
    args: ['better-auth-user.csv', '--accounts', 'better-auth-account.csv'],
    users: { 'better-auth-csv': { name: 'Ada Csv', emailVerified: true, createdAt: CREATED } },
    signIn: ['better-auth-csv'],
  },
];

let database: TestDatabase;
let gatehouse: Gatehouse;
let shell: CliHost;
let admin: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    BOOTSTRAP_ADMIN_EMAIL: ADMIN,
    BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  });
  admin = (await signIn(gatehouse, ADMIN)).accessToken;
  shell = new CliHost(database.url);
});

afterAll(async () => {
  await Promise.all([gatehouse?.stop(), shell?.stop()]);
  await database?.drop();
});

const argsOf = ({ from, args }: Case) => [
  'users:import',
  ...args.map((arg) => (arg.startsWith('--') ? arg : path(arg))),
  '--from',
  from,
];
const login = (email: string, password: string) =>
  gatehouse.call<Problem>('POST', '/v1/auth/login', { body: { email, password } });
const hashOf = async (email: string) =>
  (
    await database.query<{ hash: string }>(
      'SELECT p.hash FROM passwords p JOIN users u ON u.id = p.user_id WHERE u.email = $1',
      [email],
    )
  )[0]?.hash;

/** What stands in the result, in the order of its reasons. */
const refusalsOf = (refused: NonNullable<Case['refused']>) =>
  refused.map(([line, reason]) => ({
    line: line < 0 ? expect.any(Number) : line,
    reason: expect.stringContaining(reason),
  }));

test.each(CASES)('$from, $args.0', async (given) => {
  const { users, signIn: names = [], refused = [], withoutPassword = 0, notTaken = {}, password = PASSWORD } = given;
  const expected = {
    dryRun: false,
    imported: Object.keys(users).length,
    refused: refused.length,
    withoutPassword,
    notTaken,
    refusals: expect.arrayContaining(refusalsOf(refused).map((refusal) => expect.objectContaining(refusal))),
  };
  // Where lines are refused: all is told before, and kept by nobody.
  if (refused.length > 0) {
    const dry = await shell.json<Result>([...argsOf(given), '--dry-run']);
    expect(dry).toMatchObject({ ...expected, dryRun: true });
  }
  expect(await shell.json<Result>(argsOf(given))).toEqual(expected);
  for (const [name, user] of Object.entries(users)) {
    const query = `/v1/users?query=${name}@vendor.test`;
    const { body } = await gatehouse.call<{ items: User[] }>('GET', query, { token: admin });
    expect(body.items).toMatchObject([user]);
  }
  for (const name of names) {
    const email = `${name}@vendor.test`;
    await database.query(`UPDATE users SET status = 'active' WHERE email = $1`, [email]);
    expect([name, (await login(email, `${password}!`)).status]).toEqual([name, 401]);
    expect([name, (await login(email, password)).status]).toEqual([name, 200]);
    expect([name, (await hashOf(email))?.slice(0, 7)]).toEqual([name, '$2b$04$']);
    expect([name, (await login(email, password)).status]).toEqual([name, 200]);
  }
  if (refused.length > 0) {
    const again = await shell.json<Result>(argsOf(given));
    expect(again).toMatchObject({ imported: 0, refused: expected.imported + expected.refused, notTaken: {} });
  }
});

test('a user who comes without a password chooses one by mail: Cognito gives none away', async () => {
  const email = 'cognito@vendor.test';
  expect((await login(email, PASSWORD)).status).toBe(401);
  await gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email } });
  const body = { token: await tokenFor(gatehouse, email), password: PASSWORD };
  expect((await gatehouse.call('POST', '/v1/auth/password/reset', { body })).status).toBe(200);
  await signIn(gatehouse, email);
});

test('every program has a case here, a name at the command line and a section in the documentation', async () => {
  const names = Object.keys(VENDORS).sort();
  expect([...new Set(CASES.map(({ from }) => from))].sort()).toEqual(names);
  const { stdout } = await shell.run(['users:import', '--help']);
  const docs = readFileSync(new URL('../docs/import.md', import.meta.url), 'utf8');
  for (const name of names) {
    expect(stdout).toContain(`"${name}"`);
    expect(docs).toContain(`--from ${name}`);
  }
});

test.each([
  [['users:import', path('firebase.json'), '--from', 'firebase'], 1, 'give the project'],
  [
    ['users:import', path('devise.tsv'), '--from', 'laravel', '--pepper', path('devise-pepper.txt')],
    64,
    '--from devise',
  ],
  [['users:import', path('django.csv'), '--from', 'django', '--accounts', path('django.csv')], 64, '--from auth0'],
  [['users:import', path('django.json'), '--from', 'keycloak'], 66, 'There is no list of users'],
  [['users:import'], 64, 'Name one file'],
  [['users:import', 'a.csv', '--file', 'b.csv'], 64, 'Name one file'],
  [['users:import', 'a.csv', '--from', 'nobody'], 64, 'Allowed choices'],
])('%j ends with %d', async (args, exitCode, message) => {
  const { code, stdout, stderr } = await shell.run(args);
  expect([code, stdout + stderr]).toEqual([exitCode, expect.stringContaining(message)]);
});

test('standard input is read as a file is', async () => {
  const args = ['users:import', '--file', '-', '--format', 'csv', '--from', 'django'];
  const options = { input: 'email,password\nstdin@vendor.test,!\n' };
  expect(await shell.json<Result>(args, options)).toMatchObject({ imported: 1, refused: 0 });
});
