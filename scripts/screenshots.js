import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { chromium } from 'playwright-core';

/** Takes the pictures of docs/screenshots from the built server with a database of its own: `npm run screenshots`. */
const FOLDER = 'docs/screenshots';
const PORT = '3955';
const URL_OF_PAGE = `http://127.0.0.1:${PORT}`;
const EMAIL = 'ada@example.com';
const PASSWORD = 'violet tractor under snow';
const PAGES = { dashboard: '/', devices: '/devices', overview: '/admin', users: '/admin/users' };
const WIDTHS = { wide: { width: 1100, height: 760 }, phone: { width: 390, height: 760 } };
const FLAGS = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-background-networking'];

const data = await mkdtemp(join(tmpdir(), 'gatehouse-screenshots-'));
const server = spawn(process.execPath, ['dist/src/main.js'], {
  env: {
    PATH: process.env.PATH,
    DATA_DIR: data,
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
const system = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const executablePath = existsSync(system) ? system : await sparticuz.executablePath();
const browser = await chromium.launch({ executablePath, args: FLAGS });
try {
  for (const name of ['Grace Hopper', 'Alan Turing', 'Barbara Liskov', 'Edsger Dijkstra', 'Radia Perlman']) {
    const email = `${name.toLowerCase().replace(' ', '.')}@example.com`;
    await post('/v1/auth/register', { email, name, password: PASSWORD });
    await post('/v1/auth/login', { email, password: PASSWORD });
    await post('/v1/auth/login', { email, password: 'wrong' });
  }
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  for (const theme of /** @type {const} */ (['light', 'dark'])) {
    for (const [size, viewport] of Object.entries(WIDTHS)) await takeAll(theme, size, viewport);
  }
} finally {
  await browser.close();
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  await rm(data, { recursive: true, force: true });
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
    await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}-${size}.png`) });
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
 * @param {string} path
 * @param {object} body
 */
function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  return fetch(URL_OF_PAGE + path, { method: 'POST', headers, body: JSON.stringify(body) });
}
