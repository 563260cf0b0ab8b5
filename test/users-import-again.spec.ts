import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './support/admins.js';
import { cli, cliJson } from './support/cli.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { APP_SECRET } from './support/server.js';

/** An import that is broken off, and what it meets in the database and on the disk. */
const MAIN = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const MANY = 20_000;

interface Result {
  imported: number;
  refused: number;
  refusals: { line: number; email: string | null; reason: string }[];
}

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-import-'));
  await cli(database.url, ['users:list']);
});

afterAll(async () => {
  await database?.drop();
  if (folder) rmSync(folder, { recursive: true });
});

function file(name: string, emails: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, emails.map((email) => `${JSON.stringify({ email })}\n`).join(''));
  return path;
}

const count = async (like: string) =>
  (await database.query<{ n: number }>('SELECT count(*)::integer AS n FROM users WHERE email LIKE $1', [like]))[0]?.n ??
  0;

test('broken off by Ctrl-C it keeps whole batches with roles and entries; run again it takes the rest', async () => {
  const path = file(
    'many.ndjson',
    Array.from({ length: MANY }, (_, n) => `many${n}@again.test`),
  );
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [MAIN, 'users:import', path], {
    env: { PATH, HOME, DATA_DIR: folder, DATABASE_URL: database.url, APP_SECRET },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await until(
    () => count('many%'),
    (n) => n > 0,
    30_000,
  );
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
  const again = await cliJson<Result>(database.url, ['users:import', path]);
  expect(again).toMatchObject({ imported: MANY - kept, refused: kept });
  expect(await count('many%')).toBe(MANY);
});

test('an address that its last owner may take back is refused alone, in a rehearsal too', async () => {
  await cli(database.url, ['users:create', 'owner@again.test', '--generate-password']);
  await database.query(
    `INSERT INTO one_time_tokens (hash, user_id, purpose, email, email_key, expires_at)
     SELECT sha256('x'), id, 'undo_email_change', 'former@again.test', 'former@again.test', now() + interval '1 day'
     FROM users WHERE email = 'owner@again.test'`,
  );
  const path = file('reserved.ndjson', ['before@again.test', 'former@again.test', 'after@again.test']);
  for (const extra of [['--dry-run'], []]) {
    const result = await cliJson<Result>(database.url, ['users:import', path, ...extra]);
    expect(result).toMatchObject({ imported: 2, refused: 1, refusals: [{ line: 2, email: 'former@again.test' }] });
  }
});

test.each([
  ['a folder', () => [folder, '--format', 'csv'], 'cannot be read'],
  [
    'a report in no folder',
    () => [file('one.ndjson', ['r@again.test']), '--report', join(folder, 'no/x')],
    'cannot be written',
  ],
])('%s is told in a sentence', async (_, args, message) => {
  const { code, stderr } = await cli(database.url, ['users:import', ...args()]);
  expect([code, stderr]).toEqual([66, expect.stringMatching(new RegExp(`^[^\n]*${message}[^\n]*\n$`))]);
  expect(await count('r@again.test')).toBe(0);
});
