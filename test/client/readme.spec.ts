import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { Gatehouse } from '../support/gatehouse.js';
import { freshEmail, signUp } from '../support/users.js';

/** The samples of the client's README, run as they stand against a real server; only the server and the person are put in. */
const README = new URL('../../client/README.md', import.meta.url);
const CLIENT = new URL('../../client/dist/index.js', import.meta.url).href;
/** What stands in for a phone's key store. */
const KEY_STORE = `
  const kept = new Map();
  export const getItemAsync = async (key) => kept.get(key) ?? null;
  export const setItemAsync = async (key, value) => void kept.set(key, value);
  export const deleteItemAsync = async (key) => void kept.delete(key);`;

/** What stands in for a browser: one cookie that the page cannot see, and a note of what was asked for. */
const BROWSER = `
  const send = globalThis.fetch;
  const asked = [];
  let cookie = '';
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push(new URL(request.url).pathname);
    if (request.credentials === 'include' && cookie) request.headers.set('cookie', cookie);
    const response = await send(request);
    for (const line of response.headers.getSetCookie()) cookie = line.includes('Max-Age=0') ? '' : line.split(';')[0];
    return response;
  };`;
/** A sign-in from before, of which only the cookie is left. */
const BEFORE = `
  await fetch('https://auth.example.com/v1/auth/login', {
    method: 'POST',
    credentials: 'include',
    headers: { 'content-type': 'application/json', 'x-token-delivery': 'cookie' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' }),
  });
  asked.length = 0;`;
const AFTERWARDS = `
  console.log(asked.join(' '), 'cookie:', cookie);`;

const { gatehouse } = Gatehouse.shared();
const email = freshEmail();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-samples-'));
  await signUp(gatehouse, { email, password: 'correct horse battery' });
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true });
});

async function run(name: string, before = '', after = ''): Promise<string> {
  const sample = new RegExp(`\`\`\`ts ${name}\n([^]*?)\`\`\``).exec(await readFile(README, 'utf8'))?.[1];
  if (!sample) throw new Error(`client/README.md has no sample named ${name}`);
  const code = ts
    .transpile(before + sample + after, { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 })
    .replace('@gatehouse/client', CLIENT)
    .replace('expo-secure-store', './key-store.mjs')
    .replaceAll('https://auth.example.com', gatehouse.url)
    .replaceAll('ada@example.com', email);
  await writeFile(join(folder, 'key-store.mjs'), KEY_STORE);
  await writeFile(join(folder, `${name}.mjs`), code);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, `${name}.mjs`)]);
  return stdout;
}

it('runs the sample of a mobile app', async () => {
  expect(await run('mobile')).toMatch(/^\d+ active\n$/);
});

it.each([
  ['after a sign-in', '', '/v1/auth/refresh /v1/auth/login'],
  ['after a reload, with the cookie alone', BEFORE, '/v1/auth/refresh'],
])('runs the sample of a single-page app %s', async (_, before, asked) => {
  const said = [`Hello ${email}`, 'signed out, here or in another tab'];
  const last = `${asked} /v1/users/me /v1/auth/logout cookie: `;
  expect((await run('spa', BROWSER + before, AFTERWARDS)).split('\n')).toEqual([...said, last, '']);
});
