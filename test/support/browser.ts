import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import sparticuz from '@sparticuz/chromium';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { Gatehouse } from './gatehouse.js';

const DEBIANS = '/usr/bin/chromium';
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

/** Starts Chromium: that of CHROMIUM_PATH, the system's, or the one that npm brought along. */
export async function startBrowser(): Promise<Browser> {
  const installed = process.env.CHROMIUM_PATH ?? (existsSync(DEBIANS) ? DEBIANS : undefined);
  const executablePath = installed ?? (await sparticuz.executablePath());
  return chromium.launch({ executablePath, args: [...FLAGS, '--headless'] });
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
  context.setDefaultTimeout(10_000);
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

/** Starts a server that knows its own address, so that it takes the page for its own. */
export async function startForBrowser(env: Record<string, string>): Promise<Gatehouse> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  const gatehouse = await Gatehouse.start({ PORT: String(port), PUBLIC_URL: url, RATE_LIMITS: 'off', ...env });
  gatehouse.url = url;
  return gatehouse;
}
