import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from '@node-rs/argon2';
import bcrypt from 'bcrypt';
import { cli, cliJson } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, signIn } from './support/people.js';

/** Taking users over from other software. */
interface Result {
  imported: number;
  refused: number;
  refusals: { line: number; email: string | null; reason: string }[];
}

let database: TestDatabase;
let gatehouse: Gatehouse;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-import-'));
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
  if (folder) rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const ndjson = (records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const count = async () => Number((await database.query<{ n: string }>('SELECT count(*) AS n FROM users'))[0]?.n);

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
  'bcrypt-2b': bcrypt.hashSync(PASSWORD, 4),
  'bcrypt-2y': bcrypt.hashSync(PASSWORD, 4).replace('$2b$', '$2y$'),
  'bcrypt-django': `bcrypt$${bcrypt.hashSync(PASSWORD, 4)}`,
  argon2: hashSync(PASSWORD, { memoryCost: 1024 }),
  'argon2-django': `argon2${hashSync(PASSWORD, { memoryCost: 1024 })}`,
  scrypt: '$scrypt$ln=4,r=8,p=1$c2FsdA$gPs8uNoqMyozDobMLA6zAQl6k6Lo1Jm/8HfmH12HCqA',
  django: 'pbkdf2_sha256$1000$saltsalt$qfA4YnLnA1BRZkAxkXSL6884MYVl7l6/jGU2FE4UST4=',
  'password-hash': 'sha1$7386b629$1$6528319de2fbcd7cdd99ea70a85bcd721ec98d9f',
};

test('every kind of hash signs in with its password and no other, and is one of ours from then on', async () => {
  const kinds = Object.entries(HASHES);
  const records = kinds.map(([kind, passwordHash]) => ({ email: `${kind}@import.test`, username: kind, passwordHash }));
  const path = file('hashes.ndjson', ndjson([...records, FIREBASE_USER]));
  const options = ['--firebase', file('firebase.json', JSON.stringify(FIREBASE))];
  const result = await cliJson<Result>(database.url, ['users:import', path, ...options]);
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
  expect(await cliJson<Result>(database.url, ['users:import', path])).toMatchObject({ imported: 2, refused: 0 });
  const users = await cliJson<Record<string, unknown>[]>(database.url, ['users:list', '--query', 'full@import']);
  expect(users).toMatchObject([{ ...record, roles: ['admin', 'user'], emailVerified: true, status: 'active' }]);
  const [row] = await database.query<{ ver: number; id: string }>(`SELECT id, ver FROM users WHERE username = 'full'`);
  expect(row?.ver).toBe(1);
  const entries = await database.query(`SELECT type, data FROM audit_events WHERE user_id = $1`, [row?.id]);
  expect(entries).toMatchObject([
    { type: 'user.created', data: { imported: true, operator: expect.stringMatching(/^cli:/) } },
  ]);
  expect(await cliJson(database.url, ['users:list', '--status', 'disabled'])).toMatchObject([
    { email: 'off@import.test' },
  ]);
});

test('CSV says the same, with quotes, blanks and a byte order mark', async () => {
  const lines = [
    '\uFEFFemail,username,name,roles,emailVerified,passwordHash',
    `csv@import.test,csv,"Last, First ""X""",user;admin,true,"${HASHES.argon2}"`,
    'blank@import.test,,,,,',
    'broken,,,,,',
  ];
  const result = await cliJson<Result>(database.url, ['users:import', file('users.csv', lines.join('\r\n'))]);
  expect(result).toMatchObject({ imported: 2, refused: 1, refusals: [{ line: 4, email: 'broken' }] });
  const [user] = await cliJson<Record<string, unknown>[]>(database.url, ['users:list', '--query', 'csv@']);
  expect(user).toMatchObject({ name: 'Last, First "X"', roles: ['admin', 'user'], emailVerified: true });
  await signIn(gatehouse, 'csv@import.test');
});

const REFUSED: [unknown, string][] = [
  [{ email: 'no' }, 'email: Write an email address'],
  [{ username: 'nobody' }, 'email: '],
  [{ email: 'p@import.test', password: PASSWORD }, 'plain passwords are not imported'],
  [{ email: 'h@import.test', passwordHash: 'plain text' }, 'not a hash of a known kind'],
  [{ email: 'h@import.test', passwordHash: `$2a$31$${'a'.repeat(53)}` }, 'not a hash of a known kind'],
  [{ email: 'r@import.test', roles: ['ghost'] }, 'There is no role ghost.'],
  [{ email: 'f@import.test', isAdmin: true }, 'There is no field isAdmin.'],
  [{ email: 'u@import.test', username: 'a b' }, 'username: '],
  [{ email: 'taken@import.test' }, ''],
  [{ email: 'TAKEN@import.test' }, 'taken'],
  [{ email: 'again@import.test', username: 'Taken' }, ''],
  [{ email: 'again2@import.test', username: 'tAKEN' }, 'taken'],
  [[], 'This is no JSON object.'],
];

test('bad lines are refused with line and reason, the others are imported; a dry run says so and keeps nothing', async () => {
  const text = `${ndjson(REFUSED.map(([record]) => record))}{"email": \n\n{"email": "x@import.test", "email": "y@import.test"}`;
  const path = file('bad.ndjson', text);
  const report = join(folder, 'report.ndjson');
  const before = await count();
  const dry = await cliJson<Result>(database.url, ['users:import', path, '--dry-run']);
  expect(await count()).toBe(before);
  const { code, stdout, stderr } = await cli(database.url, ['users:import', path, '--report', report]);
  expect([code, stdout, stderr]).toEqual([1, 'Imported 2 users, refused 13 lines.\n', '']);
  expect(await count()).toBe(before + 2);
  const refused = readFileSync(report, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result['refusals'][number]);
  expect(dry).toMatchObject({ imported: 2, refused: 13, refusals: refused });
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
  const { code, stderr } = await cli(database.url, args);
  expect([code, stderr]).toEqual([exitCode, expect.stringContaining(message)]);
});

test('a gigabyte without an end of line is refused before it is read', async () => {
  const path = file('long.ndjson', 'x'.repeat(1024 * 1024));
  const { code, stderr } = await cli(database.url, ['users:import', path]);
  expect([code, stderr]).toEqual([66, expect.stringContaining('64 KiB')]);
});
