import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { chromium } from 'playwright-core';
import { chromiumHere } from './chromium.js';

/** Takes the pictures of docs/screenshots from the built server with a database of its own: `npm run screenshots`. */
const FOLDER = 'docs/screenshots';
const PORT = '3955';
const URL_OF_PAGE = `http://127.0.0.1:${PORT}`;
const EMAIL = 'ada@example.com';
const PASSWORD = 'violet tractor under snow';
const PAGES = { dashboard: '/', devices: '/devices', overview: '/admin', users: '/admin/users' };
/** Captured in full length, since a chart that is cut off says nothing. */
const FULL_LENGTH = ['overview'];
const WIDTHS = { wide: { width: 1100, height: 760 }, phone: { width: 390, height: 760 } };
const FLAGS = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'];
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const PEOPLE = {
  'Grace Hopper': ['user', 'editor'],
  'Alan Turing': ['user', 'support'],
  'Barbara Liskov': ['user', 'editor'],
  'Edsger Dijkstra': ['user'],
  'Radia Perlman': ['user', 'support'],
  'Tony Hoare': ['user'],
};
/** A month of a small service: three numbers a day. */
const PAST = `
  INSERT INTO tallies (name, day, count)
  SELECT name, (now() AT TIME ZONE 'UTC')::date - ago, round(level * (1.2 + sin(ago / 2.2 + phase)) + ago % 3)
  FROM generate_series(1, 29) ago,
    (VALUES ('auth.registered', 2, 0), ('auth.login', 9, 1), ('auth.login_failed', 4, 3)) AS kinds (name, level, phase)`;

/** The built code. */
const { startEmbeddedPostgres } = await import(
  new URL('../dist/src/platform/database/embedded/embedded-postgres.js', import.meta.url).href
);
const data = await mkdtemp(join(tmpdir(), 'gatehouse-screenshots-'));
const postgres = await startEmbeddedPostgres({ dataDir: join(data, 'postgres'), log: () => undefined });
const server = spawn(process.execPath, ['dist/src/main.js'], {
  env: {
    PATH: process.env.PATH,
    DATA_DIR: data,
    DATABASE_URL: postgres.url,
    HOST: '127.0.0.1',
    PORT,
    PUBLIC_URL: URL_OF_PAGE,
    RATE_LIMITS: 'off',
    BCRYPT_COST: '4',
    BOOTSTRAP_ADMIN_EMAIL: EMAIL,
    BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise((resolve, reject) => {
  server.stdout.on('data', (text) => String(text).includes('serves on') && resolve(undefined));
  server.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)));
});
const browser = await chromium.launch({ ...(await chromiumHere()), args: FLAGS });
try {
  await createData();
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  for (const theme of /** @type {const} */ (['light', 'dark'])) {
    for (const [size, viewport] of Object.entries(WIDTHS)) await takeAll(theme, size, viewport);
  }
} finally {
  await browser.close();
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  await postgres.stop();
  await rm(data, { recursive: true, force: true });
}

/** Creates a few people with roles, one of them disabled, a second device, and the figures of the month before. */
async function createData() {
  const { accessToken } = await send(
    'POST',
    '/v1/auth/login',
    { email: EMAIL, password: PASSWORD },
    { 'user-agent': IPHONE },
  );
  const headers = { authorization: `Bearer ${accessToken}` };
  await send('PUT', '/v1/roles/editor', { permissions: ['posts:write'] }, headers);
  await send('PUT', '/v1/roles/support', { permissions: ['users:read'] }, headers);
  for (const [name, roles] of Object.entries(PEOPLE)) {
    const email = `${name.toLowerCase().replace(' ', '.')}@example.com`;
    const { user } = await send('POST', '/v1/auth/register', { email, name, password: PASSWORD });
    await send('POST', '/v1/auth/login', { email, password: PASSWORD });
    await send('PUT', `/v1/users/${user.id}/roles`, { roles }, headers);
    if (name === 'Tony Hoare') await send('PATCH', `/v1/users/${user.id}`, { status: 'disabled' }, headers);
  }
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(PAST).finally(() => client.end());
}

/**
 * @param {'light' | 'dark'} colorScheme
 * @param {string} size
 * @param {{ width: number, height: number }} viewport
 */
async function takeAll(colorScheme, size, viewport) {
  const context = await browser.newContext({ baseURL: URL_OF_PAGE, colorScheme, viewport, locale: 'en-GB' });
  const page = await context.newPage();
  /** @param {string} name */
  const take = async (name) => {
    await page.waitForLoadState('networkidle');
    await page.waitForFunction(() => !document.querySelector('.loading'));
    await page.screenshot({
      path: join(FOLDER, `${name}-${colorScheme}-${size}.png`),
      fullPage: FULL_LENGTH.includes(name),
    });
  };
  await page.goto('/sign-in');
  await take('sign-in');
  await page.getByLabel('Email or username').fill(EMAIL);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  for (const [name, path] of Object.entries(PAGES)) {
    await page.goto(path);
    await take(name);
  }
  await context.close();
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} body
 * @param {Record<string, string>} [headers]
 */
async function send(method, path, body, headers) {
  const answer = await fetch(URL_OF_PAGE + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
