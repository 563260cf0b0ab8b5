import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { withRoles } from '../support/admins.js';
import { openProfile, type Profile, signInByForm, startBrowser, startForBrowser } from '../support/browser.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import type { Gatehouse } from '../support/gatehouse.js';
import { PASSWORD } from '../support/people.js';

/** axe on every page, in both themes; one of them on a phone, the other on a wide screen. */
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PUBLIC = {
  '/sign-in': 'Sign in',
  '/sign-up': 'Make an account',
  '/forgot-password': 'Forgot the password',
  '/verify-email#token=x': 'Confirm your email address',
  '/reset-password#token=x': 'Choose a new password',
  '/accept-invitation#token=x': 'Accept the invitation',
  '/undo-email-change': 'Undo the change of your email address',
};
const OWN = {
  '/': 'Dashboard',
  '/devices': 'Devices',
  '/security': 'Security',
  '/account': 'Account',
  '/admin': 'Overview',
  '/admin/users': 'Users',
  '/admin/roles': 'Roles',
  '/admin/audit': 'Audit',
};
const PHONE = { width: 360, height: 740 };
const WIDE = { width: 1280, height: 800 };

let database: TestDatabase;
let gatehouse: Gatehouse;
let browser: Browser;
let axe: string;
let admin: { id: string; email: string };

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await startForBrowser({ DATABASE_URL: database.url });
  browser = await startBrowser();
  axe = await readFile(AXE, 'utf8');
  admin = (await withRoles(gatehouse, database, 'admin')).user;
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

/** What axe finds on the page as it stands, and whether it is wider than the screen. */
async function faultsOf({ page }: Profile): Promise<string[]> {
  await page.getByText('Loading…').waitFor({ state: 'detached' });
  await page.evaluate(axe);
  const findings = await page.evaluate(
    async () =>
      (await (globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } }).axe.run()).violations,
  );
  const faults = findings.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  );
  return tooWide ? [...faults, 'wider than the screen'] : faults;
}

it.each([
  ['light', PHONE],
  ['dark', WIDE],
] as const)('finds nothing in the %s theme at %j', async (colorScheme, viewport) => {
  const profile = await openProfile(browser, gatehouse.url, { colorScheme, viewport });
  const faults: Record<string, string[]> = {};
  const visit = async (path: string, title: string) => {
    // A blank page between: another fragment alone loads nothing.
    if (path.includes('#')) await profile.page.goto('about:blank');
    await profile.page.goto(path);
    await profile.page.getByRole('heading', { name: title, exact: true }).waitFor();
    const found = await faultsOf(profile);
    if (found.length > 0) faults[path] = found;
  };
  for (const [path, title] of Object.entries(PUBLIC)) await visit(path, title);
  await signInByForm(profile.page, admin.email, PASSWORD);
  for (const [path, title] of Object.entries(OWN)) await visit(path, title);
  await visit(`/admin/users/${admin.id}`, admin.email);
  await profile.page.getByRole('button', { name: 'Delete' }).click();
  await profile.page.getByRole('alertdialog').waitFor();
  faults.dialog = await faultsOf(profile);
  expect(faults).toEqual({ dialog: [] });
  await profile.close();
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
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Dashboard');
  await close();
});
