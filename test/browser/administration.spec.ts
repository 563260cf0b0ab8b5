import type { Browser, Page } from 'playwright-core';
import { withRoles } from '../support/admins.js';
import { openProfile, type Profile, signInByForm, startBrowser, startForBrowser } from '../support/browser.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import type { Gatehouse } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, signUp } from '../support/people.js';
import { mishapsIn } from '../support/stage.js';

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
  await signInByForm(page, user.email, PASSWORD);
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

async function openUser(email: string) {
  await page.goto('/admin/users');
  await fill('Email, username or name', email);
  await press('Search');
  await go(email);
  await heading(email).waitFor();
}

it('shows the figures as a chart and as a table', async () => {
  expect(profile.requests.filter((line) => /chart/i.test(line))).toEqual([]);
  await go('Overview');
  await page.locator('.chart svg path.recharts-line-curve').first().waitFor();
  for (const summary of await page.getByText('The same as a table').all()) await summary.click();
  expect(await page.getByRole('table', { name: 'Sign-ups, logins' }).locator('tbody tr').count()).toBe(30);
  await page.locator('.shares svg .recharts-bar-rectangle').nth(3).waitFor();
  const rowsOf = (name: string) => page.getByRole('table', { name }).locator('tbody tr').allTextContents();
  expect((await rowsOf('Users by role')).sort()).toEqual(['admin1', 'user1']);
  expect(await rowsOf('Users by status')).toEqual(['active1', 'disabled0']);
  await page.getByLabel('Period').selectOption('7 days');
  await page.waitForFunction(() => document.querySelector('details')?.querySelectorAll('tbody tr').length === 7);
});

it('finds, pages and filters users', async () => {
  for (let n = 0; n < 22; n++) await signUp(gatehouse, { email: freshEmail(), name: `Crowd ${n}` });
  await go('Users');
  await fill('Email, username or name', 'crowd');
  await press('Search');
  const rows = page.locator('tbody tr');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 20);
  await press('Show more');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 22);
  await page.getByLabel('Status').selectOption('Disabled');
  await press('Search');
  await said('No user is like that.');
  expect(await rows.count()).toBe(0);
});

it('makes a user, and invites one who then chooses a password', async () => {
  const made = freshEmail();
  await go('Users');
  await fill('Email', made);
  await fill('Password (if you like)', PASSWORD);
  await press('Make the user');
  await said(`${made} has an account now.`);
  const invited = freshEmail();
  await fill('Email', invited);
  await press('Make the user');
  await said(`${invited} is invited by mail.`);
  const guest = await openProfile(browser, gatehouse.url);
  await guest.page.goto(`/accept-invitation#token=${await tokenFor(gatehouse, invited)}`);
  await guest.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guest.page.getByRole('button', { name: 'Accept' }).click();
  await guest.page.getByRole('heading', { name: 'Dashboard' }).waitFor();
  await guest.page.reload();
  await guest.page.getByText(invited).first().waitFor();
  await guest.close();
});

it('throws out a signed-in user who is disabled, on the next action', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email });
  const user = await openProfile(browser, gatehouse.url);
  await signInByForm(user.page, email, PASSWORD);
  await openUser(email);
  await press('Disable');
  await press('Disable the account');
  await page.getByRole('button', { name: 'Enable', exact: true }).waitFor();
  await user.page.getByRole('link', { name: 'Devices' }).click();
  await user.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await user.close();
  await press('Enable');
  await page.getByRole('button', { name: 'Disable', exact: true }).waitFor();
});

it('gives a new role, which the user’s page shows from the next action on', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email });
  const user = await openProfile(browser, gatehouse.url);
  await signInByForm(user.page, email, PASSWORD);
  await go('Roles');
  await fill('Name', 'support');
  await fill('Permissions', 'users:read');
  await press('Save the role');
  await said('The role support is saved.');
  await openUser(email);
  await page.getByLabel('support').check();
  await press('Save the roles');
  await said('Saved. It counts from the next request on.');
  await user.page.getByRole('link', { name: 'Account', exact: true }).click();
  await user.page.getByRole('link', { name: 'Users' }).click();
  await user.page.getByText('Users, newest first').waitFor({ state: 'attached' });
  await user.page.getByRole('link', { name: 'Audit' }).click();
  await user.page.getByRole('alert').getByText('audit:read').waitFor();
  await user.close();
  await go('Roles');
  await page.getByRole('button', { name: 'Remove the role support' }).click();
  await press('Remove it');
  await page.getByRole('cell', { name: 'users:read', exact: true }).waitFor({ state: 'detached' });
});

it('edits, signs out everywhere and deletes a user', async () => {
  const email = freshEmail();
  await signUp(gatehouse, { email });
  await openUser(email);
  await fill('Name', 'Grace Hopper');
  await press('Save');
  await said('Saved.');
  await press('Sign out everywhere');
  await press('Sign them out');
  await said('Signed in nowhere.');
  await press('Delete');
  await press('Delete it for good');
  await heading('Users').waitFor();
  expect(await database.query('SELECT 1 FROM users WHERE email = $1', [email])).toEqual([]);
});

it('shows the audit log, by type', async () => {
  await go('Audit');
  await page.getByLabel('What').selectOption('Role removed');
  await press('Show');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
});

it('leads from a user to what happened to the account, and from there back', async () => {
  const email = freshEmail();
  const { user } = await signUp(gatehouse, { email });
  await openUser(email);
  await go('What happened to it');
  await heading('Audit').waitFor();
  expect(await page.getByLabel('User id').inputValue()).toBe(user.id);
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await page.getByRole('row').getByRole('link').first().click();
  await heading(email).waitFor();
});

it('shows no administration to who has none', async () => {
  const other = await openProfile(browser, gatehouse.url);
  const email = freshEmail();
  await signUp(gatehouse, { email });
  await signInByForm(other.page, email, PASSWORD);
  await other.page.getByText('Welcome to your profile').waitFor();
  expect(await other.page.getByRole('navigation', { name: 'Administration' }).count()).toBe(0);
  await other.page.goto('/admin/users');
  await other.page.getByRole('alert').first().waitFor();
  await other.close();
});

it('was forbidden nothing by its policy, and threw nothing', () => {
  expect(mishapsIn(profile)).toEqual([]);
});
