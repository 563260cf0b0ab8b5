import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { signUp } from '../support/people.js';

/** The samples of the client's README, run as they stand against a real server; only the addresses are put in. */
const README = new URL('../../client/README.md', import.meta.url);
const CLIENT = new URL('../../client/dist/index.js', import.meta.url).href;
/** What stands in for a phone's key store. */
const KEY_STORE = `
  const kept = new Map();
  export const getItemAsync = async (key) => kept.get(key) ?? null;
  export const setItemAsync = async (key, value) => void kept.set(key, value);
  export const deleteItemAsync = async (key) => void kept.delete(key);`;

let database: TestDatabase;
let gatehouse: Gatehouse;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-samples-'));
  await signUp(gatehouse, { email: 'ada@example.com', password: 'correct horse battery' });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
  if (folder) await rm(folder, { recursive: true });
});

async function run(name: string): Promise<string> {
  const sample = new RegExp(`\`\`\`ts ${name}\n([^]*?)\`\`\``).exec(await readFile(README, 'utf8'))?.[1];
  if (!sample) throw new Error(`client/README.md has no sample named ${name}`);
  const code = ts
    .transpile(sample, { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 })
    .replace('@gatehouse/client', CLIENT)
    .replace('expo-secure-store', './key-store.mjs')
    .replace('https://auth.example.com', gatehouse.url);
  await writeFile(join(folder, 'key-store.mjs'), KEY_STORE);
  await writeFile(join(folder, `${name}.mjs`), code);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${name}.mjs`)]);
  return stdout;
}

it('runs the sample of a mobile app', async () => {
  expect(await run('mobile')).toMatch(/^\d+ active\n$/);
});

it('runs the sample of a single-page app', async () => {
  expect(await run('spa')).toBe('Hello ada@example.com\nsigned out, here or in another tab\n');
});
