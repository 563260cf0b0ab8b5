import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bcrypt from 'bcrypt';
import { CLI, CliHost, cliEnv } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { FOREIGN_HASHES } from './support/foreign-hashes.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, signIn } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Taking users over from other software, and what that meets in the file, in the database and on the disk. */
const MANY = 8_000;
const WITHOUT_PASSWORD = 'Without a password, to be chosen by "Forgot your password?":';

interface Result {
  imported: number;
  refused: number;
  refusals: { line: number; email: string | null; reason: string }[];
}

let database: TestDatabase;
let gatehouse: Gatehouse;
let shell: CliHost;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  shell = new CliHost(database.url);
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-import-'));
});

afterAll(async () => {
  await Promise.all([gatehouse?.stop(), shell?.stop()]);
  await database?.drop();
  if (folder) rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const ndjson = (records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const count = async (like = '%') =>
  (await database.query<{ n: number }>('SELECT count(*)::integer AS n FROM users WHERE email LIKE $1', [like]))[0]?.n ??
  0;

const FIREBASE = {
  base64_signer_key: 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
  base64_salt_separator: 'Bw==',
  rounds: 8,
  mem_cost: 14,
};
const FIREBASE_USER = {
  email: 'firebase@import.test',
  passwordSalt: '42xEC-ixf3L2lw==',
  passwordHash: 'lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==',
};

/** Each kind as the software it comes from writes it. */
const HASHES: Record<string, string> = {
  ...FOREIGN_HASHES,
  'bcrypt-2b': bcrypt.hashSync(PASSWORD, 4),
  'bcrypt-django': `bcrypt$${bcrypt.hashSync(PASSWORD, 4)}`,
  'argon2-django': `argon2${FOREIGN_HASHES.argon2id}`,
};

test('every kind of hash signs in with its password and no other, and is one of ours from then on', async () => {
  const kinds = Object.entries(HASHES);
  const records = kinds.map(([kind, passwordHash]) => ({ email: `${kind}@import.test`, username: kind, passwordHash }));
  const path = file('hashes.ndjson', ndjson([...records, FIREBASE_USER]));
  const options = ['--firebase', file('firebase.json', JSON.stringify(FIREBASE))];
  const result = await shell.json<Result>(['users:import', path, ...options]);
  expect(result).toMatchObject({ imported: kinds.length + 1, refused: 0 });
  for (const { email } of [...records, FIREBASE_USER]) {
    const password = email.startsWith('firebase') ? 'user1password' : PASSWORD;
    const wrong = await gatehouse.call('POST', '/v1/auth/login', { body: { email, password: `${password}!` } });
    expect([email, wrong.status]).toEqual([email, 401]);
    await signIn(gatehouse, email, password);
    const [row] = await database.query<{ hash: string }>('SELECT password_hash AS hash FROM users WHERE email = $1', [
      email,
    ]);
    expect([email, row?.hash.slice(0, 7)]).toEqual([email, '$2b$04$']);
    await signIn(gatehouse, email, password);
  }
});

test('everything a line says is kept, told in the audit log, and nobody is notified', async () => {
  const createdAt = '2019-03-04T05:06:07.000Z';
  const record = {
    email: 'Full@Import.test',
    username: 'full',
    name: 'Full Name',
    roles: ['user', 'admin'],
    createdAt,
  };
  const path = file(
    'full.ndjson',
    ndjson([
      { ...record, emailVerified: true },
      { email: 'off@import.test', status: 'disabled' },
    ]),
  );
  expect(await shell.json<Result>(['users:import', path])).toMatchObject({ imported: 2, refused: 0 });
  const users = await shell.json<Record<string, unknown>[]>(['users:list', '--query', 'full@import']);
  expect(users).toMatchObject([{ ...record, roles: ['admin', 'user'], emailVerified: true, status: 'active' }]);
  const [row] = await database.query<{ ver: number; id: string }>(`SELECT id, ver FROM users WHERE username = 'full'`);
  expect(row?.ver).toBe(1);
  const entries = await database.query(`SELECT type, data FROM audit_events WHERE user_id = $1`, [row?.id]);
  expect(entries).toMatchObject([
    { type: 'user.created', data: { imported: true, operator: expect.stringMatching(/^cli:/) } },
  ]);
  expect(await shell.json(['users:list', '--status', 'disabled'])).toMatchObject([{ email: 'off@import.test' }]);
});

test('CSV says the same, with quotes, blanks and a byte order mark', async () => {
  const lines = [
    '\uFEFFemail,username,name,roles,emailVerified,passwordHash',
    `csv@import.test,csv,"Last, First ""X""",user;admin,true,"${HASHES.argon2id}"`,
    'blank@import.test,,,,,',
    'broken,,,,,',
  ];
  const result = await shell.json<Result>(['users:import', file('users.csv', lines.join('\r\n'))]);
  expect(result).toMatchObject({ imported: 2, refused: 1, refusals: [{ line: 4, email: 'broken' }] });
  const [user] = await shell.json<Record<string, unknown>[]>(['users:list', '--query', 'csv@']);
  expect(user).toMatchObject({ name: 'Last, First "X"', roles: ['admin', 'user'], emailVerified: true });
  await signIn(gatehouse, 'csv@import.test');
});

const REFUSED: [unknown, string][] = [
  [{ email: 'no' }, 'email: Write an email address'],
  [{ username: 'nobody' }, 'email: '],
  [{ email: 'p@import.test', password: PASSWORD }, 'plain passwords are not imported'],
  [{ email: 'h@import.test', passwordHash: 'plain text' }, 'not a hash of a known kind'],
  [{ email: 'h@import.test', passwordHash: `$2a$31$${'a'.repeat(53)}` }, 'not a hash of a known kind'],
  [{ email: 'h@import.test', passwordHash: `pbkdf2_sha256$1$sa\u0000lt$${'A'.repeat(43)}=` }, 'not a hash of a known'],
  [{ email: 'r@import.test', roles: ['ghost'] }, 'There is no role ghost.'],
  [{ email: 'r@import.test', roles: ['a\u0000b'] }, 'roles.0: Use 1 to 64'],
  [{ email: 'l@import.test', name: 'x'.repeat(64 * 1024) }, 'longer than 64 KiB'],
  [{ email: 'f@import.test', isAdmin: true }, 'There is no field isAdmin.'],
  [{ email: 'u@import.test', username: 'a b' }, 'username: '],
  [{ email: 'taken@import.test' }, ''],
  [{ email: 'TAKEN@import.test' }, 'taken'],
  [{ email: 'again@import.test', username: 'Taken' }, ''],
  [{ email: 'again2@import.test', username: 'tAKEN' }, 'taken'],
  [[], 'This is no JSON object.'],
];
/** Those of the table, and two lines that are no JSON. */
const REFUSALS = REFUSED.filter(([, reason]) => reason !== '').length + 2;

test('bad lines are refused with line and reason, the others are imported; a dry run says so and keeps nothing', async () => {
  const text = `${ndjson(REFUSED.map(([record]) => record))}{"email": \n\n{"email": "x@import.test", "email": "y@import.test"}`;
  const path = file('bad.ndjson', text);
  const report = join(folder, 'report.ndjson');
  const before = await count();
  const dry = await shell.json<Result>(['users:import', path, '--dry-run']);
  expect(await count()).toBe(before);
  const { code, stdout, stderr } = await shell.run(['users:import', path, '--report', report]);
  expect([code, stdout, stderr]).toEqual([
    1,
    `Imported 2 users, refused ${REFUSALS} lines.\n${WITHOUT_PASSWORD} 2.\n`,
    '',
  ]);
  expect(await count()).toBe(before + 2);
  const refused = readFileSync(report, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result['refusals'][number]);
  expect(dry).toMatchObject({ imported: 2, refused: REFUSALS, refusals: refused });
  for (const [index, [, reason]] of REFUSED.entries()) {
    const found = refused.find(({ line }) => line === index + 1);
    if (reason === '') expect(found).toBeUndefined();
    else expect(found?.reason).toContain(reason);
  }
  expect(refused.filter(({ line }) => line > REFUSED.length).map(({ reason }) => reason)).toEqual([
    'This is no JSON object.',
    'This is no JSON object.',
  ]);
  expect(JSON.stringify(refused)).not.toContain(PASSWORD);
});

test.each([
  [['users:import', 'users.txt'], 64, 'Say --format'],
  [['users:import', 'nowhere.csv'], 66, 'cannot be read'],
  [['users:import', '--format', 'xml', 'x'], 64, 'Allowed choices'],
])('%j ends with %d', async (args, exitCode, message) => {
  const { code, stderr } = await shell.run(args);
  expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)]);
});

test('what the database alone can refuse is refused alone, and what stands beside it is imported', async () => {
  await database.query(`ALTER TABLE users ADD CONSTRAINT no_culprit CHECK (email <> 'culprit@import.test')`);
  await database.query(
    `INSERT INTO one_time_tokens (hash, user_id, purpose, email, email_key, expires_at)
     SELECT sha256('x'), id, 'undo_email_change', 'former@import.test', 'former@import.test', now() + interval '1 day'
     FROM users LIMIT 1`,
  );
  // An address that its last owner may take back would be refused by a trigger.
  const emails = ['before', 'former', 'between', 'culprit', 'after'].map((name) => ({ email: `${name}@import.test` }));
  const path = file('alone.ndjson', ndjson(emails));
  const dry = await shell.json<Result>(['users:import', path, '--dry-run']);
  expect(dry.refusals).toMatchObject([{ line: 2, email: 'former@import.test' }]);
  const result = await shell.json<Result>(['users:import', path]);
  expect(result).toMatchObject({
    imported: 3,
    refused: 2,
    refusals: [
      { line: 2, email: 'former@import.test' },
      {
        line: 4,
        email: 'culprit@import.test',
        reason: expect.stringMatching(/^The database refuses it: .*no_culprit/),
      },
    ],
  });
  expect(await Promise.all(emails.map(({ email }) => count(email)))).toEqual([1, 0, 1, 0, 1]);
});

test('what was done before a file breaks off is told, for people and for programs', async () => {
  const rows = (from: number) =>
    Array.from({ length: 500 }, (_, n) => `row${from + n}@import.test,${' '.repeat(1_000)}`);
  for (const [from, extra] of [[0, []] as const, [500, ['--json']] as const]) {
    const path = file('broken.csv', ['email,name', ...rows(from), '"never closed'].join('\n'));
    const before = await count('row%');
    const { code, stdout, stderr } = await shell.run(['users:import', path, ...extra]);
    const done = (await count('row%')) - before;
    expect(done).toBeGreaterThan(0);
    expect([code, stderr]).toEqual([66, expect.stringContaining('Quote Not Closed')]);
    if (extra.length === 0)
      expect(stdout).toBe(`Imported ${done} users, refused 0 lines.\n${WITHOUT_PASSWORD} ${done}.\n`);
    else expect(JSON.parse(stdout)).toMatchObject({ imported: done, refused: 0 });
  }
});

const SENTENCES: [what: string, args: () => string[], message: string][] = [
  ['a folder', () => [folder, '--format', 'csv'], 'cannot be read'],
  [
    'a report in no folder',
    () => [file('one.ndjson', ndjson([{ email: 'r@again.test' }])), '--report', join(folder, 'no/x')],
    'cannot be written \\(ENOENT\\)',
  ],
];
// A disk that is full, as Linux plays one.
if (existsSync('/dev/full')) {
  SENTENCES.push([
    'a report on a full disk',
    () => [file('full.ndjson', ndjson([{ email: 'no' }])), '--report', '/dev/full'],
    'cannot be written \\(ENOSPC\\)',
  ]);
}

test.each(SENTENCES)('%s is told in a sentence', async (_, args, message) => {
  const { code, stderr } = await shell.run(['users:import', ...args()]);
  expect([code, stderr]).toEqual([66, expect.stringMatching(new RegExp(`^[^\n]*${message}[^\n]*\n$`))]);
  expect(await count('r@again.test')).toBe(0);
});

test('broken off by Ctrl-C it keeps whole batches with roles and entries; run again it takes the rest', async () => {
  const path = file('many.ndjson', ndjson(Array.from({ length: MANY }, (_, n) => ({ email: `many${n}@again.test` }))));
  const child = spawn(process.execPath, [CLI, 'users:import', path], { env: cliEnv(database.url), stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await waitFor(() => count('many%'), { until: (n) => n > 0, within: 30_000 });
  child.kill('SIGINT');
  await ended;
  const kept = await count('many%');
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(MANY);
  const [row] = await database.query<{ bare: number; untold: number }>(
    `SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id))::integer AS bare,
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM audit_events e WHERE e.user_id = u.id))::integer AS untold
     FROM users u WHERE email LIKE 'many%'`,
  );
  expect(row).toEqual({ bare: 0, untold: 0 });
  const again = await shell.json<Result>(['users:import', path]);
  expect(again).toMatchObject({ imported: MANY - kept, refused: kept });
  expect(await count('many%')).toBe(MANY);
});
