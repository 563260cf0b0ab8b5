import type { Page } from 'playwright-core';
import { enter } from '../support/browser.js';
import { setUpFixtures } from '../support/fixtures.js';
import { freshEmail, signUp } from '../support/users.js';

/** Light, dark or as the system is, as a person has chosen. */
const fixtures = setUpFixtures({}, { colorScheme: 'light' });
let page: Page;

beforeEach(async () => {
  ({ page } = fixtures);
  await page.goto('/sign-in');
});

/** What the page's ground is painted with: the one thing that says which theme there is. */
const isDark = () =>
  page.evaluate(() => {
    const [red = 255] = getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g)?.map(Number) ?? [];
    return red < 128;
  });
const choose = (name: string) => page.getByLabel('Theme').selectOption(name);

it('follows the system until a theme is chosen', async () => {
  await page.getByLabel('Theme').waitFor();
  expect(await isDark()).toBe(false);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await isDark()).toBe(true);
});

it('stays as it was chosen, after a reload and whatever the system is, until the system is chosen again', async () => {
  await choose('Dark');
  expect(await isDark()).toBe(true);
  await page.reload();
  expect(await page.getByLabel('Theme').inputValue()).toBe('dark');
  expect(await isDark()).toBe(true);
  await page.emulateMedia({ colorScheme: 'dark' });
  await choose('Light');
  expect(await isDark()).toBe(false);
  await choose('System');
  expect(await isDark()).toBe(true);
});

it('keeps the chosen theme after a sign-out, though that clears the storage of the page', async () => {
  const email = freshEmail();
  await signUp(fixtures.gatehouse, { email });
  await enter(page, email);
  // A second tab follows, and so keeps no older choice in the place of this one.
  const second = await fixtures.profile.open('/');
  await second.getByRole('heading', { name: 'Dashboard' }).waitFor();
  await choose('Dark');
  await second.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await fixtures.press('Sign out');
  await fixtures.heading('Sign in').waitFor();
  await second.getByRole('heading', { name: 'Sign in' }).waitFor();
  await second.close();
  await page.reload();
  await fixtures.heading('Sign in').waitFor();
  expect(await isDark()).toBe(true);
});

it('is there before the page’s own script, so that nothing flashes', async () => {
  await choose('Dark');
  await page.route('**/assets/*.js', () => undefined);
  await page.reload({ waitUntil: 'commit' });
  await page.locator('link[rel=stylesheet]').waitFor({ state: 'attached' });
  await page.waitForFunction(() => document.styleSheets.length > 0);
  expect(await isDark()).toBe(true);
  expect(await page.locator('#root').innerHTML()).toBe('');
});

it.each([
  ['nonsense', () => localStorage.setItem('gatehouse theme', '"><script>')],
  [
    'a storage that is forbidden',
    () =>
      Object.defineProperty(globalThis, 'localStorage', {
        get: () => {
          throw new Error('no');
        },
      }),
  ],
])('is as the system is with %s, and the page goes on', async (_, prepare) => {
  await page.addInitScript(prepare);
  await page.reload();
  await page.getByLabel('Theme').waitFor();
  expect(await isDark()).toBe(false);
  await choose('Dark');
  expect(await isDark()).toBe(true);
});
