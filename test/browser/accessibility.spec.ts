import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { PAGE_PATHS } from '../../src/web/page-paths.js';
import { makeRole, withRoles } from '../support/admins.js';
import { enter, focusOf, openProfile, type Profile, startBrowser, startForBrowser } from '../support/browser.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import type { Gatehouse } from '../support/gatehouse.js';
import { PASSWORD, signUp } from '../support/users.js';

/** axe on every page, in both themes, on a phone and on a wide screen. */
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The heading of each page of the router's table, and what its address ends with. Who adds a page adds it here. */
const VISITED: Record<keyof typeof PAGE_PATHS, { heading: string; signedOut?: true; hash?: string }> = {
  signIn: { heading: 'Sign in', signedOut: true },
  signUp: { heading: 'Create account', signedOut: true },
  forgotPassword: { heading: 'Forgot your password' },
  verifyEmail: { heading: 'Confirm your email address', hash: '#token=x' },
  resetPassword: { heading: 'Choose a new password', hash: '#token=x' },
  acceptInvitation: { heading: 'Accept the invitation', hash: '#token=x' },
  undoEmailChange: { heading: 'Undo the change of your email address', hash: '#token=x' },
  dashboard: { heading: 'Dashboard' },
  devices: { heading: 'Devices' },
  security: { heading: 'Security' },
  account: { heading: 'Account' },
  overview: { heading: 'Overview' },
  users: { heading: 'Users' },
  user: { heading: 'Details' },
  roles: { heading: 'Roles' },
  audit: { heading: 'Audit' },
};
const NAMES = Object.keys(PAGE_PATHS) as (keyof typeof PAGE_PATHS)[];
const SCREENS = { phone: { width: 360, height: 740 }, wide: { width: 1280, height: 800 } };
/** The longest that may be: nothing of it may push a page wider than the screen. */
const LONG = { email: `${'l'.repeat(64)}@${'long.'.repeat(24)}example.com`, name: 'Wolfeschlegel'.repeat(7) };

let database: TestDatabase;
let gatehouse: Gatehouse;
let browser: Browser;
let axe: string;
let admin: { id: string; email: string };
let longest: { id: string };

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await startForBrowser({ DATABASE_URL: database.url });
  browser = await startBrowser();
  axe = await readFile(AXE, 'utf8');
  admin = (await withRoles(gatehouse, database, 'admin')).user;
  longest = (await signUp(gatehouse, { ...LONG, username: 'u'.repeat(32) })).user;
  await makeRole(database, 'r'.repeat(40), 'users:read');
});

afterAll(async () => {
  await browser?.close();
  await gatehouse?.stop();
  await database?.drop();
});

interface Finding {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

const THEMES = ['light', 'dark'] as const;

/** All rules where the page is light; where it is dark those that go by colours, since nothing else has changed. */
const RULES = { light: {}, dark: { runOnly: { type: 'tag', values: ['cat.color'] } } };

/** What axe finds on the page as it stands, on each screen and in each theme, and whether it is wider than the screen. */
async function faultsOf({ page }: Profile): Promise<string[]> {
  await page.waitForFunction(() => !document.querySelector('.loading'));
  await page.evaluate(axe);
  const faults: string[] = [];
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      const found = await faultsInTheme(page, RULES[colorScheme]);
      faults.push(...found.map((fault) => `${screen}, ${colorScheme}: ${fault}`));
    }
  }
  return faults;
}

async function faultsInTheme(page: Page, rules: object): Promise<string[]> {
  const findings = await page.evaluate(async (options) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Finding[] }> } };
    return (await axe.run(options)).violations;
  }, rules);
  const faults = findings.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
  // A chart that follows the size of its frame does so a moment after the screen has changed.
  const fits = page.waitForFunction(
    () => document.documentElement.scrollWidth <= document.documentElement.clientWidth,
    undefined,
    { timeout: 5_000 },
  );
  const tooWide = await fits.then(
    () => false,
    () => true,
  );
  return tooWide ? [...faults, `wider than the screen: ${await widestOf(page)}`] : faults;
}

/** The innermost elements that stick out, which are what has to be looked at. */
function widestOf(page: Page): Promise<string> {
  return page.evaluate(() => {
    const sticksOut = (element: Element) =>
      element.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5;
    const out = [...document.body.querySelectorAll('*')].filter(sticksOut);
    return out
      .filter((element) => ![...element.children].some(sticksOut))
      .map((element) => element.outerHTML.slice(0, 200))
      .join(' ');
  });
}

it('visits every page that the router knows', () => {
  expect(Object.keys(VISITED).sort()).toEqual([...NAMES].sort());
});

it('finds nothing, on a phone and on a wide screen, in either theme', async () => {
  const profile = await openProfile(browser, gatehouse.url);
  const { page } = profile;
  const faults: Record<string, string[]> = {};
  const examine = async (name: string) => {
    const found = await faultsOf(profile);
    if (found.length > 0) faults[name] = found;
  };
  const visit = async (name: keyof typeof PAGE_PATHS) => {
    const { heading, hash = '' } = VISITED[name];
    await page.goto(PAGE_PATHS[name].replace(':id', longest.id) + hash);
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    for (const closed of await page.locator('summary').all()) await closed.click();
    await examine(name);
  };
  for (const name of NAMES.filter((each) => VISITED[each].signedOut)) await visit(name);
  await page.goto('/nope');
  await page.getByRole('heading', { name: 'Page not found' }).waitFor();
  await examine('not found');
  await page.goto(`${PAGE_PATHS.acceptInvitation}#token=x`);
  await page.getByRole('button', { name: 'Accept' }).waitFor();
  await examine('accept an invitation');
  await enter(page, admin.email);
  for (const name of NAMES.filter((each) => !VISITED[each].signedOut)) await visit(name);
  await page.goto(PAGE_PATHS.user.replace(':id', longest.id));
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('alertdialog').waitFor();
  await examine('dialog');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByLabel('Email').fill('not an address');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('.error').waitFor();
  await examine('refused field');
  await page.route('**/v1/auth/refresh', (route) => route.abort());
  await page.reload();
  await page.getByRole('heading', { name: 'Temporarily unavailable' }).waitFor();
  expect(await page.title()).toBe('Temporarily unavailable · Gatehouse');
  await examine('not started');
  expect(faults).toEqual({});
  await profile.close();
}, 180_000);

it('is not made wider by the hidden hint of a chart, which may stay where it was on a wider screen', async () => {
  const profile = await openProfile(browser, gatehouse.url, { viewport: SCREENS.phone });
  const { page } = profile;
  await enter(page, admin.email, PAGE_PATHS.overview);
  const hint = page.locator('.recharts-tooltip-wrapper').first();
  await hint.waitFor({ state: 'attached' });
  const right = await hint.evaluate((element: HTMLElement) => {
    element.style.left = '900px';
    return element.getBoundingClientRect().right;
  });
  expect(right).toBeGreaterThan(SCREENS.phone.width);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(SCREENS.phone.width);
  await profile.close();
});

it('would find a field without a name, words that cannot be read, and a page wider than the screen', async () => {
  const profile = await openProfile(browser, gatehouse.url);
  await profile.page.goto('/sign-in');
  await profile.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await profile.page.evaluate(() => {
    document.querySelector('input[name=name]')?.removeAttribute('aria-labelledby');
    for (const label of document.querySelectorAll('label')) label.remove();
    (document.querySelector('main') as HTMLElement).style.minWidth = '3000px';
    // Easy to read on a light ground, and not on a dark one.
    (document.querySelector('h1') as HTMLElement).style.color = '#333333';
  });
  const faults = (await faultsOf(profile)).join();
  expect(faults).toMatch(/phone, light: label/);
  expect(faults).toMatch(/wide, light: label/);
  expect(faults).toMatch(/phone, dark: color-contrast/);
  expect(faults).not.toMatch(/light: color-contrast/);
  expect(faults).toMatch(/wider than the screen/);
  await profile.close();
});

it('sees other colours in each theme', async () => {
  const { page, close } = await openProfile(browser, gatehouse.url);
  await page.goto('/sign-in');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const colors = new Set<string>();
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme });
    colors.add(await page.evaluate(() => getComputedStyle(document.body).color));
  }
  expect(colors.size).toBe(THEMES.length);
  await close();
});

it('is used by keyboard alone, with the focus in sight', async () => {
  const { page, close } = await openProfile(browser, gatehouse.url);
  await page.goto('/sign-in');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type(admin.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
  expect(outline).toBe('solid');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  expect(await focusOf(page)).toBe('Dashboard');
  await close();
});
