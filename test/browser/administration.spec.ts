import type { Browser, Page } from 'playwright-core';
import { makeRole, withRoles } from '../support/admins.js';
import { enter, focusOf, hold, openProfile, type Profile, startBrowser, startForBrowser } from '../support/browser.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { mishapsIn } from '../support/fixtures.js';
import type { Gatehouse } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, signUp } from '../support/users.js';

/** What an administrator does with the page, and what others see of it. */
let database: TestDatabase;
let gatehouse: Gatehouse;
let browser: Browser;
let profile: Profile;
let page: Page;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await startForBrowser({ DATABASE_URL: database.url });
  browser = await startBrowser();
  profile = await openProfile(browser, gatehouse.url);
  page = profile.page;
  const { user } = await withRoles(gatehouse, database, 'admin', 'user');
  await enter(page, user.email);
});

afterAll(async () => {
  await browser?.close();
  await gatehouse?.stop();
  await database?.drop();
});

const heading = (name: string) => page.getByRole('heading', { name, exact: true });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const fill = (label: string, value: string) => page.getByLabel(label, { exact: true }).fill(value);
const go = (name: string) => page.getByRole('link', { name, exact: true }).click();
const said = (text: string) => page.getByText(text).first().waitFor();

const rowsAre = (count: number) =>
  page.waitForFunction((wanted) => document.querySelectorAll('tbody tr').length === wanted, count);

async function openUser(email: string) {
  await go('Users');
  await fill('Email, username or name', email);
  await press('Search');
  await go(email);
  await heading(email).waitFor();
}

const rolesOf = async (email: string) =>
  (
    await database.query<{ role: string }>(
      'SELECT role FROM user_roles JOIN users ON users.id = user_id WHERE email = $1 ORDER BY role',
      [email],
    )
  ).map(({ role }) => role);

it('shows the figures as a chart and as a table', async () => {
  expect(profile.requests.filter((line) => /chart/i.test(line))).toEqual([]);
  await go('Overview');
  await page.locator('.chart svg path.recharts-line-curve').first().waitFor();
  for (const summary of await page.getByText('Show as table').all()) await summary.click();
  expect(await page.getByRole('table', { name: 'Sign-ups, logins' }).locator('tbody tr').count()).toBe(30);
  await page.locator('.shares svg .recharts-bar-rectangle').nth(3).waitFor();
  const rowsOf = (name: string) => page.getByRole('table', { name }).locator('tbody tr').allTextContents();
  expect((await rowsOf('Users by role')).sort()).toEqual(['admin1', 'user1']);
  expect(await rowsOf('Users by status')).toEqual(['active1', 'disabled0']);
  // The legend shows the dashes as well, which tell the lines apart without colour (WCAG 1.4.1).
  const dashes = await page
    .locator('.recharts-legend-icon')
    .evaluateAll((icons) => icons.map((icon) => icon.getAttribute('stroke-dasharray')));
  expect(new Set(dashes).size).toBe(3);
  await page.getByLabel('Period').selectOption('7 days');
  await page.waitForFunction(() => document.querySelector('details')?.querySelectorAll('tbody tr').length === 7);
});

it('finds, pages and filters users', async () => {
  for (let n = 0; n < 22; n++) await signUp(gatehouse, { email: freshEmail(), name: `Crowd ${n}` });
  await go('Users');
  await fill('Email, username or name', 'crowd');
  await press('Search');
  await page.getByRole('status').getByText('20 found, and there are more.').waitFor();
  await rowsAre(20);
  await press('Show more');
  await rowsAre(22);
  await page.getByRole('status').getByText('22 found.').waitFor();
  expect(await focusOf(page)).toBe('main');
  await page.getByLabel('Status').selectOption('Disabled');
  await press('Search');
  await said('No matching users');
  // Said aloud too, without the focus going there (WCAG 4.1.3).
  await page.getByRole('status').getByText('None found.').waitFor();
  await rowsAre(0);
  await page.getByLabel('Status').selectOption('Any');
  await fill('Email, username or name', '');
  await page.getByLabel('Role').selectOption('admin');
  await press('Search');
  await rowsAre(1);
});

it('creates a user, and invites one who then chooses a password', async () => {
  const made = freshEmail();
  await go('Users');
  await fill('Email', made);
  await fill('Password (optional)', PASSWORD);
  await press('Create user');
  await said(`Account created for ${made}.`);
  const invited = freshEmail();
  await fill('Email', invited);
  await press('Create user');
  await said(`Invitation sent to ${invited}.`);
  expect(await rolesOf(invited)).toEqual(['user']);
  const guest = await openProfile(browser, gatehouse.url);
  const link = `/accept-invitation#token=${await tokenFor(gatehouse, invited)}`;
  // An invitation does not silently switch a signed-in person to another account.
  await enter(guest.page, made, link);
  await guest.page.getByText(`You are signed in as ${made}.`).waitFor();
  expect(await guest.page.getByRole('button', { name: 'Accept' }).count()).toBe(0);
  await guest.page.getByRole('button', { name: 'Sign out and continue' }).click();
  await guest.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guest.page.getByRole('button', { name: 'Accept' }).click();
  await guest.page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  await guest.page.reload();
  await guest.page.getByText(invited).first().waitFor();
  await guest.close();
});

it('makes a user with the roles that everybody has where it may not list them, and says so', async () => {
  const email = freshEmail();
  const refusal = {
    code: 'forbidden',
    detail: 'It takes roles:read.',
    status: 403,
    type: 'x',
    title: 'x',
    requestId: 'x',
  };
  await page.route('**/v1/roles*', (route) =>
    route.fulfill({ status: 403, contentType: 'application/problem+json', json: refusal }),
  );
  await page.goto('/admin/users');
  await page.getByRole('alert').getByText('It takes roles:read.').waitFor();
  await fill('Email', email);
  await press('Create user');
  await said(`Invitation sent to ${email}.`);
  expect(await rolesOf(email)).toEqual(['user']);
  await page.unroute('**/v1/roles*');
  await press('Try again');
  await page.getByRole('checkbox', { name: 'user' }).uncheck();
  const other = freshEmail();
  await fill('Email', other);
  await press('Create user');
  await said(`Invitation sent to ${other}.`);
  expect(await rolesOf(other)).toEqual([]);
});

it('signs out a disabled user on the next action', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email });
  const user = await openProfile(browser, gatehouse.url);
  await enter(user.page, email);
  await openUser(email);
  await press('Disable');
  await press('Disable account');
  await page.getByRole('button', { name: 'Enable', exact: true }).waitFor();
  // The button that had the focus is gone: a keyboard goes on from there, not from the top (WCAG 2.4.3).
  expect(await focusOf(page)).toBe('main');
  await user.page.getByRole('link', { name: 'Devices', exact: true }).click();
  await user.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await user.close();
  await press('Enable');
  await page.getByRole('button', { name: 'Disable', exact: true }).waitFor();
  expect(await focusOf(page)).toBe('main');
});

it('gives a new role, which the user’s page shows from the next action on', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email });
  const user = await openProfile(browser, gatehouse.url);
  await enter(user.page, email);
  await go('Roles');
  await fill('Name', 'support');
  await fill('Permissions', 'users:read');
  await press('Save role');
  await said('The role support is saved.');
  await openUser(email);
  await page.getByLabel('support').check();
  await press('Save roles');
  await said('Saved. It takes effect with the next request.');
  await user.page.getByRole('link', { name: 'Account', exact: true }).click();
  await user.page.getByRole('link', { name: 'Users' }).click();
  await user.page.getByText('Users, newest first').waitFor({ state: 'attached' });
  await user.page.getByRole('link', { name: 'Audit' }).click();
  await user.page.getByRole('alert').getByText('audit:read').waitFor();
  await user.close();
  await go('Roles');
  await page.getByRole('button', { name: 'Remove the role support' }).click();
  await press('Remove role');
  await page.getByRole('cell', { name: 'users:read', exact: true }).waitFor({ state: 'detached' });
});

it('replaces a role only when that was meant, and never one that it has not seen', async () => {
  const permissionsOf = async (name: string) =>
    (await database.query('SELECT permissions FROM roles WHERE name = $1', [name]))[0]?.permissions;
  await makeRole(database, 'editor', 'posts:write');
  await page.route('**/v1/roles*', (route) => route.abort());
  await page.goto('/admin/roles');
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('button', { name: 'Save role' }).count()).toBe(0);
  await page.unroute('**/v1/roles*');
  await press('Try again');
  await fill('Name', 'editor');
  await fill('Permissions', 'posts:read');
  await press('Save role');
  await page.getByRole('alertdialog', { name: 'Replace this role?' }).waitFor();
  await hold(page, 'Enter');
  await page.keyboard.press('Escape');
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  expect(await permissionsOf('editor')).toEqual(['posts:write']);
  expect(await page.getByLabel('Permissions').inputValue()).toBe('posts:read');
  await press('Save role');
  await press('Replace role');
  await said('The role editor is saved.');
  expect(await permissionsOf('editor')).toEqual(['posts:read']);
});

it('keeps every role of a user, however many there are, and says what is wrong with them beside them', async () => {
  const email = freshEmail();
  const { user } = await signUp(gatehouse, { email });
  await database.query(
    "INSERT INTO roles (name, permissions) SELECT 'team-' || to_char(n, 'FM000'), '{}' FROM generate_series(1, 120) n",
  );
  await database.query("INSERT INTO user_roles VALUES ($1, 'team-120')", [user.id]);
  await openUser(email);
  await page.getByLabel('team-001').check();
  await press('Save roles');
  await said('Saved. It takes effect with the next request.');
  expect(await rolesOf(email)).toEqual(['team-001', 'team-120', 'user']);
  await database.query("DELETE FROM roles WHERE name = 'team-002'");
  await page.getByLabel('team-002').check();
  await press('Save roles');
  await page.getByRole('group', { name: 'Assigned roles' }).getByRole('alert').waitFor();
  expect(await rolesOf(email)).toEqual(['team-001', 'team-120', 'user']);
  await database.query("DELETE FROM user_roles WHERE role LIKE 'team-%'");
  await database.query("DELETE FROM roles WHERE name LIKE 'team-%'");
});

it('edits, signs out everywhere and deletes a user, whom no key that is held down deletes', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email: `old-${email}` });
  await openUser(`old-${email}`);
  await fill('Name', 'Grace Hopper');
  await fill('Email', email);
  await press('Save');
  await said('Saved.');
  await heading(email).waitFor();
  expect(await focusOf(page)).toBe('Save');
  await page.getByRole('button', { name: 'Delete', exact: true }).focus();
  await hold(page, 'Enter');
  await page.keyboard.press('Escape');
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  expect(await database.query('SELECT 1 FROM users WHERE email = $1', [email])).toHaveLength(1);
  await press('Sign out everywhere');
  await press('Sign out devices');
  await said('No signed-in devices');
  await press('Delete');
  await press('Delete permanently');
  await heading('Users').waitFor();
  expect(await database.query('SELECT 1 FROM users WHERE email = $1', [email])).toEqual([]);
});

it('shows the audit log, by type and by time', async () => {
  await go('Audit');
  await page.getByLabel('Event').selectOption('Role removed');
  await press('Show');
  await rowsAre(1);
  await fill('To', '2020-01-01T00:00');
  await press('Show');
  await said('No matching entries');
  await fill('To', '');
  await fill('From', '2020-01-01T00:00');
  await press('Show');
  await rowsAre(1);
});

it('finds the entries of a user by email, username or ID, and shows none of an earlier filter where there is no such user', async () => {
  const username = `u${Date.now()}`;
  const { user } = await signUp(gatehouse, { email: freshEmail(), username });
  // From elsewhere, so that no filter of before is left.
  await go('Users');
  await heading('Users').waitFor();
  await go('Audit');
  await rowsAre(20);
  for (const name of [user.email.toUpperCase(), username, ` ${user.id} `]) {
    await fill('Email, username or ID', name);
    await press('Show');
    await rowsAre(1);
    await fill('Email, username or ID', 'nobody@example.com');
    await press('Show');
    await said('No user has this email or username.');
    await said('Nothing is shown, because the search failed.');
    expect(await page.locator('tbody tr').count()).toBe(0);
    expect(await page.getByText('Invalid UUID').count()).toBe(0);
  }
});

it('leads from a user to what happened to the account, and from there back', async () => {
  const email = freshEmail();
  const { user } = await signUp(gatehouse, { email });
  await openUser(email);
  await go('View audit entries');
  await heading('Audit').waitFor();
  expect(await page.getByLabel('Email, username or ID').inputValue()).toBe(user.id);
  await rowsAre(1);
  await go('Audit');
  expect(await page.getByLabel('Email, username or ID').inputValue()).toBe('');
  await rowsAre(20);
  await page.goBack();
  await rowsAre(1);
  await page.getByRole('row').getByRole('link').first().click();
  await heading(email).waitFor();
});

it('shows no administration to users without permissions', async () => {
  const other = await openProfile(browser, gatehouse.url);
  const email = freshEmail();
  await signUp(gatehouse, { email });
  await enter(other.page, email);
  await other.page.getByText('Welcome to your profile').waitFor();
  expect(await other.page.getByRole('navigation', { name: 'Administration' }).count()).toBe(0);
  await other.page.goto('/admin/users');
  await other.page.getByRole('alert').first().waitFor();
  await other.close();
});

it('was forbidden nothing by its policy, and threw nothing', () => {
  expect(mishapsIn(profile)).toEqual([]);
});
