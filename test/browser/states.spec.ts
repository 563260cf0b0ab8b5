import { withRoles } from '../support/admins.js';
import { enter, openProfile } from '../support/browser.js';
import { setUpFixtures } from '../support/fixtures.js';
import { freshEmail, type SignedUp, signUp } from '../support/users.js';

/** What each page shows while it reads, when reading fails, when there is nothing, and when what there is means harm. */
const HOSTILE = '<img src=x onerror="document.title=String.fromCharCode(88)">{{7*7}}';
const fixtures = setUpFixtures();
let admin: SignedUp;

beforeAll(async () => {
  admin = await withRoles(fixtures.gatehouse, fixtures.database, 'admin', 'user');
});

/** Opens an address as the administrator. */
const open = (path: string) => enter(fixtures.page, admin.user.email, path);

const problem = {
  status: 503,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    type: 'x',
    title: 'x',
    status: 503,
    code: 'database_unavailable',
    detail: 'The database sleeps.',
    requestId: 'x',
  }),
};

it.each([
  ['/devices', '**/v1/sessions*', 'this device'],
  ['/', '**/v1/dashboard', 'Welcome to your profile'],
  ['/security', '**/v1/users/me', 'is not confirmed yet.'],
  ['/account', '**/v1/users/me', 'Username'],
  ['/admin', '**/v1/dashboard/stats*', 'Signed-in devices'],
  ['/admin/users', '**/v1/users', 'Last sign-in'],
  ['/admin/users/:id', '**/v1/users/*', 'This account is'],
  ['/admin/roles', '**/v1/roles*', 'everything'],
  ['/admin/audit', '**/v1/audit*', 'Affected user'],
])('says at %s that it reads, then why that failed, and reads again when asked', async (path, api, content) => {
  const { page } = fixtures;
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(api, async (route) => {
    await answered;
    await route.fulfill(problem);
  });
  await open(path.replace(':id', admin.user.id));
  await page.getByRole('status').getByText('Loading…').first().waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  answer();
  const alert = page.getByRole('alert').filter({ hasText: 'The database sleeps.' }).first();
  await alert.waitFor();
  expect(await page.getByText('Loading…').count()).toBe(0);
  await page.unroute(api);
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page.locator('main').getByText(content).first().waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});

it.each([
  ['/devices', '**/v1/sessions*', { items: [], nextCursor: null }, 'No signed-in devices'],
  ['/admin/users', '**/v1/users', { items: [], nextCursor: null }, 'No matching users'],
  ['/admin/audit', '**/v1/audit*', { items: [], nextCursor: null }, 'No matching entries'],
  ['/admin/roles', '**/v1/roles*', { items: [], nextCursor: null }, 'No roles'],
])('says at %s that there is nothing', async (path, api, json, text) => {
  await fixtures.page.route(api, (route) => route.fulfill({ json }));
  await open(path);
  await fixtures.said(text);
  expect(await fixtures.page.getByRole('table').count()).toBe(0);
});

it('says on the dashboard that nothing has happened yet', async () => {
  await fixtures.page.route('**/v1/dashboard', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ json: { ...(await response.json()), activity: [] } });
  });
  await open('/');
  await fixtures.said('No activity yet');
});

it('says beside the field of a search what is wrong with it, and keeps nothing of the search before', async () => {
  await open('/admin/audit');
  await fixtures.page.getByRole('table').waitFor();
  await fixtures.fill('Email, username or ID', 'nonsense');
  await fixtures.press('Show');
  expect(await fixtures.errorOf('Email, username or ID')).toMatch(/^No user has this email or username\./);
  expect(await fixtures.page.getByRole('table').count()).toBe(0);
});

it('says beside the field what the API says of a new user, an edited one and a role', async () => {
  const { user } = await signUp(fixtures.gatehouse, { username: `u${Date.now()}` });
  await open('/admin/users');
  await fixtures.fill('Email', user.email);
  await fixtures.press('Create user');
  expect(await fixtures.errorOf('Email')).toBe(
    'An account with this email exists already. Sign in, or reset the password.',
  );
  await fixtures.page.goto(`/admin/users/${admin.user.id}`);
  await fixtures.fill('Username', user.username ?? '');
  await fixtures.press('Save');
  expect(await fixtures.errorOf('Username')).toBe('Another account has this username. Choose another.');
  await fixtures.go('Roles');
  await fixtures.fill('Name', 'helper');
  await fixtures.fill('Permissions', 'Not One!');
  await fixtures.press('Save role');
  expect(await fixtures.errorOf('Permissions')).not.toBe('');
});

it('says why the last administrator cannot be disabled, in the dialog that asked', async () => {
  await open(`/admin/users/${admin.user.id}`);
  // What is still read moves the button down, and a press may fall beside it.
  for (const name of ['Save roles', 'Sign out everywhere']) await fixtures.page.getByRole('button', { name }).waitFor();
  await fixtures.press('Disable');
  await fixtures.press('Disable account');
  await fixtures.page.getByRole('alertdialog').getByRole('alert').getByText('last active admin').waitFor();
});

it('shows a name that means harm as the text that it is, wherever it stands', async () => {
  const email = freshEmail();
  const { user } = await signUp(fixtures.gatehouse, { email, name: HOSTILE });
  await fixtures.gatehouse.call('PUT', '/v1/roles/hostile', {
    token: admin.accessToken,
    body: { description: HOSTILE, permissions: [] },
  });
  const other = await openProfile(fixtures.browser, fixtures.gatehouse.url);
  await enter(other.page, email);
  await other.page.getByText(`Welcome to your profile, ${HOSTILE}.`).waitFor();
  expect(await other.page.locator('main img').count()).toBe(0);
  await other.page.getByRole('link', { name: 'Account', exact: true }).click();
  expect(await other.page.getByLabel('Name', { exact: true }).inputValue()).toBe(HOSTILE);
  await other.close();

  // The log keeps no names, so one is put into what it says.
  await fixtures.page.route('**/v1/audit*', async (route) => {
    const { items, nextCursor } = await (await route.fetch()).json();
    await route.fulfill({ json: { nextCursor, items: [{ ...items[0], type: HOSTILE, data: { name: HOSTILE } }] } });
  });
  for (const path of ['/admin/users', `/admin/users/${user.id}`, '/admin/roles', '/admin/audit']) {
    await open(path);
    await fixtures.page.waitForFunction(
      (text) =>
        document.body.textContent?.includes(text) ||
        [...document.querySelectorAll('input')].some(({ value }) => value === text),
      HOSTILE,
    );
    expect(await fixtures.page.locator('main img').count()).toBe(0);
    expect(await fixtures.page.title()).toMatch(/· Gatehouse$/);
  }
});

it('keeps everything else where a part of the page cannot be loaded, and loads it when asked again', async () => {
  const { page, gatehouse } = fixtures;
  await page.route('**/assets/users-*.js', (route) => route.abort());
  await open('/');
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('alert').getByText('could not be loaded').waitFor();
  expect(new URL(page.url()).origin).toBe(new URL(gatehouse.url).origin);
  await page.getByRole('link', { name: 'Devices', exact: true }).click();
  await page.getByText('this device').waitFor();
  await page.unroute('**/assets/users-*.js');
  await page.getByRole('link', { name: 'Users' }).click();
  const again = page.getByRole('button', { name: 'Try again' });
  if (await again.isVisible()) await again.click();
  await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
  // The browser itself logs the failed load; any other message still fails the test.
  const { console: lines } = fixtures.profile;
  const isExpected = (line: string) => line.includes('Failed to fetch dynamically imported module');
  lines.splice(0, lines.length, ...lines.filter((line) => !isExpected(line)));
});
