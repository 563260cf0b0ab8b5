import { readFile } from 'node:fs/promises';
import { enter, focusOf } from '../support/browser.js';
import { setUpFixtures } from '../support/fixtures.js';
import { freshEmail, PASSWORD, signUp } from '../support/users.js';

/** What a person does with the page, from the first visit to the end of the account. */
const OTHER_PASSWORD = 'quiet lantern over moss';
const fixtures = setUpFixtures();
let email: string;

beforeEach(() => {
  email = freshEmail();
});

const signedIn = async () => {
  await signUp(fixtures.gatehouse, { email });
  await enter(fixtures.page, email);
};

it('signs up, and hears what is wrong beside the field in the words of the API', async () => {
  const { page } = fixtures;
  await signUp(fixtures.gatehouse, { email: 'taken@example.com' });
  await page.goto('/sign-up');
  await fixtures.fill('Email', 'taken@example.com');
  await fixtures.fill('Password', 'password1');
  await fixtures.press('Create account');
  expect(await fixtures.errorOf('Password')).toContain('attackers try');
  // A screen reader says it too: the field gets the focus, and is described by what is wrong (WCAG 3.3.1, 4.1.3).
  expect(await focusOf(page)).toBe('password');
  const password = page.getByLabel('Password', { exact: true });
  expect(await password.getAttribute('aria-invalid')).toBe('true');
  const describedBy = (await password.getAttribute('aria-describedby'))?.split(' ') ?? [];
  expect(describedBy).toContain(await page.locator('.error').getAttribute('id'));
  await fixtures.fill('Password', PASSWORD);
  await fixtures.press('Create account');
  expect(await fixtures.errorOf('Email')).toContain('account');
  await fixtures.fill('Email', email);
  await fixtures.press('Create account');
  await fixtures.heading('Dashboard').waitFor();
  await fixtures.said('Welcome to your profile');
});

it('tries again once the reason lies no longer in another field than the one that was refused', async () => {
  const name = `quiet${Date.now()}`;
  await fixtures.page.goto('/sign-up');
  await fixtures.fill('Email', email);
  await fixtures.fill('Password', name);
  await fixtures.fill('Username (optional)', name);
  await fixtures.press('Create account');
  expect(await fixtures.errorOf('Password')).not.toBe('');
  await fixtures.fill('Username (optional)', `${name}2`);
  await fixtures.press('Create account');
  await fixtures.heading('Dashboard').waitFor();
});

it('says that a pair is wrong, and keeps what was typed', async () => {
  const { page } = fixtures;
  await page.goto('/sign-in');
  await fixtures.fill('Email or username', email);
  await fixtures.fill('Password', 'wrong');
  await fixtures.press('Sign in');
  await page.getByRole('alert').waitFor();
  expect(await page.getByLabel('Email or username').inputValue()).toBe(email);
});

it('asks to sign in at any address, and shows it afterwards', async () => {
  const { page } = fixtures;
  await signUp(fixtures.gatehouse, { email });
  await page.goto('/devices');
  await fixtures.fill('Email or username', email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await fixtures.heading('Devices').waitFor();
});

it('ends another device, then all others, and then itself', async () => {
  const { page } = fixtures;
  await signedIn();
  await fixtures.gatehouse.call('POST', '/v1/auth/login', { body: { email, password: PASSWORD } });
  await fixtures.go('Devices');
  const rows = page.locator('tbody tr');
  await rows.nth(2).waitFor();
  await rows.filter({ hasNotText: 'this device' }).first().getByRole('button').click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out device' }).click();
  await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
  await rows.nth(2).waitFor({ state: 'detached' });
  await fixtures.press('Sign out all other devices');
  await fixtures.press('Sign out devices');
  await rows.nth(1).waitFor({ state: 'detached' });
  await fixtures.said('this device');
  await rows.first().getByRole('button').click();
  await page.getByRole('alertdialog').getByText('You will have to sign in again here.').waitFor();
  await fixtures.press('Sign out device');
  await fixtures.heading('Sign in').waitFor();
  expect(await fixtures.profile.context.cookies()).toEqual([]);
});

it('changes the password, is told where the old one is wrong, and stays signed in here', async () => {
  const { page } = fixtures;
  await signedIn();
  await fixtures.go('Security');
  await fixtures.fill('Current password', 'wrong');
  await fixtures.fill('New password', OTHER_PASSWORD);
  await fixtures.press('Change password');
  expect(await fixtures.errorOf('Current password')).not.toBe('');
  await fixtures.fill('Current password', PASSWORD);
  await fixtures.press('Change password');
  await fixtures.said('Your password is changed.');
  await page.reload();
  await fixtures.heading('Security').waitFor();
});

it('saves own details, and downloads own data', async () => {
  const { page } = fixtures;
  await signedIn();
  await fixtures.go('Account');
  await fixtures.fill('Name', 'Ada Lovelace');
  await fixtures.press('Save');
  await fixtures.said('Saved.');
  const [download] = await Promise.all([page.waitForEvent('download'), fixtures.press('Download my data')]);
  expect(download.suggestedFilename()).toBe('gatehouse-export.json');
  const text = await readFile(await download.path(), 'utf8');
  expect(JSON.parse(text).user).toMatchObject({ email, name: 'Ada Lovelace' });
  expect(text).not.toMatch(/passwordHash|\$2[aby]\$|grt_|eyJ/);
  await fixtures.go('Dashboard');
  await fixtures.said('Welcome to your profile, Ada Lovelace.');
});

it('deletes the account, after asking and with the password only', async () => {
  const { page } = fixtures;
  await signedIn();
  await fixtures.go('Account');
  await fixtures.press('Delete my account');
  const dialog = page.getByRole('alertdialog');
  await dialog.getByLabel('Password').fill('wrong');
  await dialog.getByRole('button', { name: 'Delete permanently' }).click();
  await dialog.locator('.error').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect(await focusOf(page)).toBe('Delete my account');
  await fixtures.press('Delete my account');
  await dialog.getByLabel('Password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Delete permanently' }).click();
  await fixtures.heading('Sign in').waitFor();
  expect(await fixtures.database.query('SELECT 1 FROM users WHERE email = $1', [email])).toEqual([]);
});
