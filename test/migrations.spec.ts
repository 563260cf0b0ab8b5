import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { applyFunctions, readFunctions, type SqlFunction } from '../src/platform/database/sql-functions.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { loadMigrations, type MigrationClass, timeOf } from './support/migrations.js';
import { describeSchema, rowsOf, SEEDS, totalsOf } from './support/schema.js';

/**
 * Every migration goes down and up again with rows in every table: down leaves the schema as it was before the migration, up
 * makes it what it was, and no row or column is lost but those that are named here.
 */

/** What going down loses by nature, table or column, because nothing below has a place for it. */
const LOST: Record<string, string[]> = {
  // Filled again as sessions are refreshed.
  RememberDevices1764305200000: ['sessions.device_key'],
  CreateAccountExports1764305000000: ['account_exports'],
  // What is left of a removed role goes, and the numbers begin anew.
  RemoveRolesAtOnce1764301100000: ['role_removals', 'user_roles.number'],
  // A session whose user is gone goes too, and is told of: the key lets none stay.
  SweepSessions1764200100000: ['session_sweeps', 'sessions', 'session_tombstones', 'changes'],
  BoundSessions1764200000000: [
    'epochs',
    'users.sessions_floor',
    'users.sessions_kept',
    'changes.floor',
    'changes.kept',
    'changes.disabled',
  ],
  CreateChangeFeed1764100000000: ['changes', 'pulse'],
  RememberRefreshKey1764000000000: ['sessions.refresh_key_hash'],
  RecordFunctions1763200100000: ['applied_functions'],
  // Links stay; what has no place is the attempts of a token, what its flow left in it, and every token that is no link.
  CarryAnyOneTimeThing1763200000000: ['one_time_tokens'],
  // The column of users has them; the migration that follows copies them.
  KeepPasswordsApart1763100000000: ['passwords'],
  ProveAppSecret1763003400000: ['app_secret_proof'],
  NameRecipients1763003400000: ['mail_outbox.recipient'],
  MarkRegistrations1763003000000: ['mail_outbox.claimed_by'],
  // All entries stay, and wait for a seal again.
  SealAuditEvents1763002300000: ['audit_chain', 'audit_seals', 'audit_unsealed'],
  // Counted anew: what had been folded and what had not is one sum, which the test compares.
  KeepTallies1763002200000: ['tallies', 'tally_changes'],
  CreateMailAndOneTimeTokens1763000600000: ['mail_outbox', 'one_time_tokens'],
  CreateLimits1763000500000: ['guesses', 'quotas'],
  CreateAuditEvents1763000300000: ['audit_events'],
  CreateSigningKeys1763000200000: ['signing_keys'],
  AnnounceRevocations1763000100000: ['session_tombstones'],
  CreateAccounts1763000000000: ['roles', 'sessions', 'user_roles', 'users'],
};

let database: TestDatabase;
let source: DataSource;
let functions: SqlFunction[];
let migrations: MigrationClass[];
/** The schema after so many migrations, as they were made on an empty database. */
const madeBy: string[][] = [];

beforeAll(async () => {
  database = await createDatabase({ empty: true });
  const options = { ...dataSourceOptions(database.url, { pool: 2, timeout: 60_000 }), migrations: [] };
  source = await new DataSource(options).initialize();
  functions = await readFunctions('public');
  migrations = await loadMigrations();
  const all = migrations.map((migration) => new migration());
  madeBy.push(await schema());
  for (let n = 1; n <= all.length; n++) {
    Object.assign(source, { migrations: all.slice(0, n) });
    await source.runMigrations({ transaction: 'all' });
    madeBy.push(await schema());
  }
  await applyFunctions(source, functions);
  for (const statement of SEEDS) await source.query(statement);
});

afterAll(async () => {
  await source?.destroy();
  await database?.drop();
});

/** The functions of files that are there now. */
async function presentFunctions(): Promise<SqlFunction[]> {
  const names = await source.query<{ name: string }[]>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regproc(name) IS NOT NULL',
    [functions.map(({ name }) => name)],
  );
  return functions.filter((file) => names.some(({ name }) => name === file.name));
}

/** Makes again those whose migration dropped them. */
async function restoreFunctions(before: SqlFunction[]): Promise<void> {
  const present = await presentFunctions();
  for (const file of before) if (!present.includes(file)) await source.query(file.text);
}

/** The schema but for the functions of files, which come after the migrations, or are replaced then. */
async function schema(): Promise<string[]> {
  const lines = await describeSchema(source);
  return lines.filter((line) => !functions.some(({ name }) => line.startsWith(`function ${name}(`)));
}

/** Which tables or columns differ, or miss from the one or the other. */
function differences(before: Map<string, Map<string, string>>, after: Map<string, Map<string, string>>): string[] {
  return [...before].flatMap(([table, columns]) => {
    const now = after.get(table);
    const changed = [...columns].filter(([column, values]) => now?.get(column) !== values).map(([column]) => column);
    return changed.map((column) => `${table}.${column}`);
  });
}

const isNamed = (lost: string[]) => (difference: string) =>
  lost.includes(difference) || lost.includes(difference.split('.')[0] ?? '');

test('each has a time of its own, but for two that were published with one', () => {
  const times = migrations.map(timeOf);
  expect(times.filter((time, index) => times.indexOf(time) !== index)).toEqual([1763003400000]);
});

test('the seeds fill every table', async () => {
  const empty = [...(await rowsOf(source))].filter(([, columns]) =>
    [...columns.values()].every((text) => text === '[]'),
  );
  const tables = empty.map(([table]) => table);
  expect({ 'need a row in SEEDS': tables }).toEqual({ 'need a row in SEEDS': [] });
});

test('from the newest to the oldest, each goes down and up again and loses nothing but what is named', async () => {
  const known = migrations.map(({ name }) => name);
  expect(Object.keys(LOST).filter((name) => !known.includes(name))).toEqual([]);
  for (let n = migrations.length; n > 0; n--) {
    const name = migrations[n - 1]?.name ?? '';
    const lost = LOST[name] ?? [];
    const before = await rowsOf(source);
    const totals = await totalsOf(source);
    const present = await presentFunctions();

    await source.undoLastMigration({ transaction: 'all' });
    expect({ name, schema: await schema() }).toEqual({ name, schema: madeBy[n - 1] });

    await source.runMigrations({ transaction: 'all' });
    await restoreFunctions(present);
    expect({ name, schema: await schema() }).toEqual({ name, schema: madeBy[n] });

    expect({ name, totals: await totalsOf(source) }).toEqual({ name, totals });
    const different = differences(before, await rowsOf(source));
    const unnamed = different.filter((line) => !isNamed(lost)(line));
    expect({ name, 'not in LOST': unnamed }).toEqual({ name, 'not in LOST': [] });
    const kept = lost.filter((loss) => !different.some(isNamed([loss])));
    expect({ name, 'in LOST, but not lost': kept }).toEqual({ name, 'in LOST, but not lost': [] });

    await source.undoLastMigration({ transaction: 'all' });
    Object.assign(source, { migrations: source.migrations.slice(0, n - 1) });
  }
});

test('down to nothing, no table, function or index is left behind', async () => {
  expect(await describeSchema(source)).toEqual(madeBy[0]);
});
