import { readFile } from 'node:fs/promises';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/platform/database/data-source.js';
import { searchPath } from '../src/platform/database/schema.js';
import {
  applyFunctions,
  isOfAuditLog,
  readFunctions,
  type SqlFunction,
} from '../src/platform/database/sql-functions.js';
import { createDatabase, type TestDatabase } from './support/database.js';

/** The functions that stand in files, as a start applies them. */
let database: TestDatabase;
let source: DataSource;
let everyFile: SqlFunction[];
/** Those that the role of the server applies wherever the database is; the others are test/attacks/planted-in-embedded-postgres.spec.ts. */
let files: SqlFunction[];

beforeAll(async () => {
  database = await createDatabase();
  const direct = { pooled: false, namedStatements: true };
  const options = dataSourceOptions(database.url, { pool: 2, timeout: 20_000 }, direct, 'gatehouse');
  source = await new DataSource({ ...options, migrations: [] }).initialize();
  everyFile = await readFunctions('gatehouse');
  files = everyFile.filter((file) => !isOfAuditLog(file));
});

afterAll(async () => {
  await source?.destroy();
  await database?.drop();
});

const apply = (functions = files) => applyFunctions(source, functions, { path: searchPath('gatehouse') });

/** What the database says of each function: its oid stays while it is replaced, and changes when it is dropped. */
const inDatabase = () =>
  database.query<{ name: string; oid: number; body: string; settings: string[] | null }>(
    `SELECT proname AS name, oid, prosrc AS body, proconfig AS settings FROM pg_proc
     WHERE proname = ANY ($1) ORDER BY proname COLLATE "C"`,
    [files.map(({ name }) => name)],
  );

const named = (name: string): SqlFunction => {
  const file = files.find((candidate) => candidate.name === name);
  if (!file) throw new Error(`There is no file for ${name}`);
  return file;
};

/** A file as its next version would be. */
const changed = (name: string, version: number): SqlFunction => {
  const file = named(name);
  const text = file.text.replace('BEGIN', `BEGIN\n  -- changed in ${version}`);
  return { ...file, version, text, hash: Buffer.alloc(32, version) };
};

test('a migrated database has the function of every file, once, as the file says it', async () => {
  const found = await inDatabase();
  expect(found.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
  for (const { name, body } of found) expect(named(name).text).toContain(body);
  expect(files.length).toBeGreaterThanOrEqual(4);
});

test('each keeps the search_path under which it was made: a caller with another one calls the same tables', async () => {
  const found = await inDatabase();
  for (const { settings } of found) expect(settings).toContainEqual(expect.stringMatching(/^search_path=/));
});

test('a start that finds them as they are touches none', async () => {
  const before = await database.query('SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = $1::regnamespace', [
    'gatehouse',
  ]);
  expect(await apply()).toEqual([]);
  const after = await database.query('SELECT oid, xmin::text FROM pg_proc WHERE pronamespace = $1::regnamespace', [
    'gatehouse',
  ]);
  expect(after).toEqual(before);
});

test('a newer version replaces the older, alone, and an older server that starts later does not put its own back', async () => {
  const before = await inDatabase();
  const next = changed('guesses_settle', 2);
  expect(await apply(files.map((file) => (file.name === next.name ? next : file)))).toEqual(['guesses_settle']);
  expect(await apply()).toEqual([]);
  const after = await inDatabase();
  expect(after.map(({ oid }) => oid)).toEqual(before.map(({ oid }) => oid));
  expect(after.filter(({ body }, n) => body !== before[n]?.body).map(({ name }) => name)).toEqual(['guesses_settle']);
  expect(after.find(({ name }) => name === 'guesses_settle')?.body).toContain('changed in 2');
  await database.query(`DELETE FROM applied_functions WHERE name = 'guesses_settle'`);
  expect(await apply()).toEqual(['guesses_settle']);
  expect(await inDatabase()).toEqual(before);
});

test('one that is being written is applied with each change of its text', async () => {
  const draft = changed('users_search', 2);
  expect(await apply([draft])).toEqual(['users_search']);
  expect(await apply([draft])).toEqual([]);
  expect(await apply()).toEqual(['users_search']);
});

test('one that was dropped by hand is made again', async () => {
  await database.query('DROP FUNCTION guesses_reserve');
  expect(await apply()).toEqual(['guesses_reserve']);
});

test('where one fails, none is changed', async () => {
  const before = await inDatabase();
  const broken = { ...named('users_search'), version: 9, text: 'CREATE OR REPLACE FUNCTION users_search(' };
  await expect(apply([changed('guesses_settle', 9), broken])).rejects.toThrow('syntax error');
  expect(await inDatabase()).toEqual(before);
  expect(await apply()).toEqual([]);
});

test('functions that migrations made before there were files are taken over', async () => {
  await database.query('DELETE FROM applied_functions');
  for (const { name } of files) await database.query(`ALTER FUNCTION ${name} RESET search_path`);
  expect(await apply()).toEqual(files.map(({ name }) => name));
  for (const { settings } of await inDatabase()) expect(settings).not.toBeNull();
});

test('what is built, and with it the image, holds every file as it is', async () => {
  for (const { name } of everyFile) {
    const path = `src/platform/database/functions/${name}.sql`;
    const [built, source] = [`../dist/${path}`, `../${path}`].map((from) => new URL(from, import.meta.url));
    expect(await readFile(built as URL, 'utf8')).toBe(await readFile(source as URL, 'utf8'));
  }
});

/** A server of the version before that restarts during an upgrade would put its own text back over an unraised version. */
test('every change of a function raises its version', () => {
  const known = everyFile.map(({ name, version, hash }) => `${name} ${version} ${hash.toString('hex').slice(0, 16)}`);
  expect(known).toMatchInlineSnapshot(`
[
  "audit_append 1 0c9e7edb94a7ba3a",
  "audit_begin 1 be9a328262376c00",
  "audit_cut 1 309dc435fa8bd69c",
  "audit_events_await_seal 1 a0f46987c97788d9",
  "audit_events_refuse 1 f9c17c0b040d0dfa",
  "audit_events_tally 1 bf66c13dfd1c5840",
  "audit_place 1 d8d4ad23b7be5357",
  "audit_seal 1 d5a77701e0784b64",
  "changes_after 1 e54d35ca719d8442",
  "guesses_reserve 1 fca15d3affbf57d0",
  "guesses_settle 1 23aff39d1d60877c",
  "passwords_copy_hash 1 068eb67c4a341939",
  "sessions_sweep 1 12e9525a49d94fd7",
  "users_copy_password 1 4ff4cd2652495df2",
  "users_search 2 d47d8be9459ba217",
  "users_search_keys 2 323808d82b762509",
]
`);
});
