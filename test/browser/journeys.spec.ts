import type { Browser, Page } from 'playwright-core';
import { openProfile, type Profile, signInByForm, startBrowser, startForBrowser } from '../support/browser.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import type { Gatehouse } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, signUp } from '../support/people.js';

/** What a person does with the page, from the first visit to the end of the account. */
const OTHER_PASSWORD = 'quiet lantern over moss';
let database: TestDatabase;
let gatehouse: Gatehouse;
let browser: Browser;
let profile: Profile;
let page: Page;
let email: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await startForBrowser({ DATABASE_URL: database.url });
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await gatehouse?.stop();
  await database?.drop();
});

beforeEach(async () => {
  profile = await openProfile(browser, gatehouse.url);
  page = profile.page;
  email = freshEmail();
});

/** A page that its own policy forbids something, or that throws, fails every journey. */
afterEach(async () => {
  expect(profile.console.filter((line) => /Content Security Policy|^error: (?!Failed to load)/.test(line))).toEqual([]);
  await profile.close();
});

const heading = (name: string) => page.getByRole('heading', { name, exact: true });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const fill = (label: string, value: string) => page.getByLabel(label, { exact: true }).fill(value);
const signedIn = async () => {
  await signUp(gatehouse, { email });
  await signInByForm(page, email, PASSWORD);
};
const said = (text: string) => page.getByText(text).first().waitFor();

it('signs up, and hears what is wrong beside the field in the words of the API', async () => {
  await signUp(gatehouse, { email: 'taken@example.com' });
  await page.goto('/sign-up');
  await fill('Email', 'taken@example.com');
  await fill('Password', 'password1');
  await press('Make the account');
  const password = page.getByLabel('Password', { exact: true });
  await page.locator('.field', { has: password }).locator('.error').waitFor();
  expect(await password.getAttribute('aria-invalid')).toBe('true');
  await fill('Password', PASSWORD);
  await press('Make the account');
  await page
    .locator('.field', { has: page.getByLabel('Email', { exact: true }) })
    .locator('.error')
    .waitFor();
  await fill('Email', email);
  await press('Make the account');
  await heading('Dashboard').waitFor();
  await said('Welcome to your profile');
});

it('says that a pair is wrong, and keeps what was typed', async () => {
  await page.goto('/sign-in');
  await fill('Email or username', email);
  await fill('Password', 'wrong');
  await press('Sign in');
  await page.getByRole('alert').waitFor();
  expect(await page.getByLabel('Email or username').inputValue()).toBe(email);
});

it('asks to sign in at any address, and shows it afterwards', async () => {
  await signUp(gatehouse, { email });
  await page.goto('/devices');
  await fill('Email or username', email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await heading('Devices').waitFor();
});

it('confirms the address by the mailed link, once somebody presses the button, and keeps the token out of sight', async () => {
  await signUp(gatehouse, { email });
  const token = await tokenFor(gatehouse, email);
  await page.goto(`/verify-email#token=${token}`);
  await heading('Confirm your email address').waitFor();
  expect(page.url()).not.toContain(token);
  await press('Confirm');
  await said('Your email address is confirmed.');
  expect(profile.requests.join()).not.toContain(token);
});

it('chooses a new password by mail', async () => {
  await signUp(gatehouse, { email });
  await page.goto('/sign-in');
  await page.getByRole('link', { name: 'Forgot the password?' }).click();
  await fill('Email', email);
  await press('Send the link');
  await said('If this address has an account, a mail is on its way.');
  await page.goto(`/reset-password#token=${await tokenFor(gatehouse, email)}`);
  await fill('New password', OTHER_PASSWORD);
  await press('Save the password');
  await said('Your password is changed.');
  await signInByForm(page, email, OTHER_PASSWORD);
});

it('says that a link is used, expired or not whole', async () => {
  await page.goto('/reset-password');
  await said('This address is not whole.');
  await page.goto('/verify-email#token=nonsense');
  await page.reload();
  await page.goto('/sign-in');
  await page.goto('/verify-email#token=nonsense');
  await press('Confirm');
  await page.getByRole('alert').waitFor();
});

it('ends another device, and then all others', async () => {
  await signedIn();
  await gatehouse.call('POST', '/v1/auth/login', { body: { email, password: PASSWORD } });
  await page.getByRole('link', { name: 'Devices' }).click();
  const rows = page.locator('tbody tr');
  await rows.nth(2).waitFor();
  await rows.filter({ hasNotText: 'this device' }).first().getByRole('button').click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign it out' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await rows.nth(2).waitFor({ state: 'detached' });
  await press('Sign out all other devices');
  await press('Sign them out');
  await rows.nth(1).waitFor({ state: 'detached' });
  await said('this device');
});

it('changes the password, is told where the old one is wrong, and stays signed in here', async () => {
  await signedIn();
  await page.getByRole('link', { name: 'Security' }).click();
  await fill('Current password', 'wrong');
  await fill('New password', OTHER_PASSWORD);
  await press('Change the password');
  const current = page.getByLabel('Current password');
  await page.locator('.field', { has: current }).locator('.error').waitFor();
  await current.fill(PASSWORD);
  await press('Change the password');
  await said('Your password is changed.');
  await page.reload();
  await heading('Security').waitFor();
});

it('changes the email once the new address confirms', async () => {
  const other = freshEmail();
  await signedIn();
  await page.getByRole('link', { name: 'Security' }).click();
  await fill('New email', other);
  await fill('Password', PASSWORD);
  await press('Change the email');
  await said('A mail is on its way to the new address.');
  await page.goto(`/verify-email#token=${await tokenFor(gatehouse, other)}`);
  await press('Confirm');
  await said('confirmed');
  await page.goto('/security');
  await page.getByText(`${other} is confirmed.`).or(heading('Sign in')).first().waitFor();
});

it('saves own details, and downloads own data', async () => {
  await signedIn();
  await page.getByRole('link', { name: 'Account' }).click();
  await fill('Name', 'Ada Lovelace');
  await press('Save');
  await said('Saved.');
  const [download] = await Promise.all([page.waitForEvent('download'), press('Download my data')]);
  expect(download.suggestedFilename()).toBe('gatehouse-export.json');
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await said('Welcome to your profile, Ada Lovelace.');
});

it('deletes the account, after asking and with the password only', async () => {
  await signedIn();
  await page.getByRole('link', { name: 'Account' }).click();
  await press('Delete my account');
  const dialog = page.getByRole('alertdialog');
  await dialog.getByLabel('Password').fill('wrong');
  await dialog.getByRole('button', { name: 'Delete it for good' }).click();
  await dialog.locator('.error').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Delete my account');
  await press('Delete my account');
  await dialog.getByLabel('Password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Delete it for good' }).click();
  await heading('Sign in').waitFor();
  expect(await database.query('SELECT 1 FROM users WHERE email = $1', [email])).toEqual([]);
});
