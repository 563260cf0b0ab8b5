import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromiumHere } from '../../scripts/chromium.js';
import { freePort } from './free-port.js';
import { Gatehouse } from './gatehouse.js';
import { LOAD } from './load.js';
import { PASSWORD } from './users.js';

/** Tests run as root in containers too, and a closed network must not slow them down. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Chromium. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ ...(await chromiumHere()), args: [...FLAGS, '--headless'] });
}

/** A browser profile of its own, and everything that should not have happened in it. */
export interface Profile {
  context: BrowserContext;
  page: Page;
  /** Console messages of every page, with violations of the policy among them. */
  console: string[];
  /** Every address that was asked for. */
  requests: string[];
  open(path: string): Promise<Page>;
  close(): Promise<void>;
}

/** Opens a profile at the server's address. Every wait is short: what is not there soon is not there. */
export async function openProfile(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Profile> {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', ...options });
  context.setDefaultTimeout(10_000 * LOAD);
  const seen = { console: [] as string[], requests: [] as string[] };
  context.on('console', (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  context.on('weberror', (error) => seen.console.push(`error: ${error.error().message}`));
  context.on('request', (request) => seen.requests.push(`${request.method()} ${request.url().slice(url.length)}`));
  const page = await context.newPage();
  return {
    context,
    page,
    ...seen,
    open: async (path) => {
      const another = await context.newPage();
      await another.goto(path);
      return another;
    },
    close: () => context.close(),
  };
}

/** Signs in by the page's own form. */
export async function signInByForm(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('Email or username').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
}

/** Opens an address as a user who has signed in before: in the browser is the cookie, and nothing else. */
export async function enter(page: Page, email: string, path = '/'): Promise<void> {
  const { request } = page.context();
  const headers = { 'x-token-delivery': 'cookie' };
  const answer = await request.post('/v1/auth/login', { headers, data: { email, password: PASSWORD } });
  if (!answer.ok()) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
  await page.goto(path);
  await page.getByRole('navigation', { name: 'Your account' }).waitFor();
}

/** What has the focus, by its words or its name. */
export const focusOf = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { id, name, textContent } = document.activeElement as HTMLInputElement;
    return name || (id === 'main' ? id : (textContent ?? ''));
  });

/** Holds a key down for as long as a finger may rest on it. */
export async function hold(page: Page, key: string): Promise<void> {
  for (let n = 0; n < 12; n++) {
    await page.keyboard.down(key);
    // As slow as a keyboard repeats, so that what opens may take the focus.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }
  await page.keyboard.up(key);
}

/** Starts a server that knows its own address, so that it takes the page for its own. */
export async function startForBrowser(env: Record<string, string>): Promise<Gatehouse> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const gatehouse = await Gatehouse.start({ PORT: String(port), PUBLIC_URL: url, RATE_LIMITS: 'off', ...env });
  gatehouse.url = url;
  return gatehouse;
}
