import { enter, focusOf, signInByForm } from '../support/browser.js';
import { setUpFixtures } from '../support/fixtures.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, signUp } from '../support/users.js';

/** What people do with the links that they are mailed. */
const OTHER_PASSWORD = 'quiet lantern over moss';
const fixtures = setUpFixtures();
let email: string;

beforeEach(async () => {
  email = freshEmail();
  await signUp(fixtures.gatehouse, { email });
});

const confirm = async (address: string) => {
  await fixtures.page.goto(`/verify-email#token=${await tokenFor(fixtures.gatehouse, address)}`);
  await fixtures.press('Confirm');
  await fixtures.said('Your email address is confirmed.');
};

it('confirms the address once the button is pressed, and keeps the token out of sight', async () => {
  const token = await tokenFor(fixtures.gatehouse, email);
  await fixtures.page.goto(`/verify-email#token=${token}`);
  await fixtures.heading('Confirm your email address').waitFor();
  expect(fixtures.page.url()).not.toContain(token);
  expect(fixtures.profile.requests.filter((line) => line.startsWith('POST /v1/auth/email'))).toEqual([]);
  const saying = await fixtures.page.getByRole('status').last().elementHandle();
  await fixtures.press('Confirm');
  await fixtures.said('Your email address is confirmed.');
  // Announced, since its element was there before the text, and the keyboard focus goes on from there (WCAG 4.1.3, 2.4.3).
  expect(await saying?.textContent()).toBe('Your email address is confirmed.');
  expect(await focusOf(fixtures.page)).toBe('main');
  expect(fixtures.profile.requests.join()).not.toContain(token);
});

it('mails the link again on request, and that one confirms', async () => {
  await enter(fixtures.page, email);
  await fixtures.go('Security');
  await fixtures.said(`${email} is not confirmed yet.`);
  const [before] = await mailsTo(fixtures.gatehouse, email);
  await fixtures.press('Resend link');
  await fixtures.said('a mail is on its way.');
  const [again] = await mailsTo(fixtures.gatehouse, email);
  expect(again?.token).not.toBe(before?.token);
  await confirm(email);
  await fixtures.go('Go to Gatehouse');
  await fixtures.go('Security');
  await fixtures.said(`${email} is confirmed.`);
  expect(await fixtures.page.getByRole('button', { name: 'Resend link' }).count()).toBe(0);
});

it('chooses a new password by mail, and the one before is over', async () => {
  await fixtures.page.goto('/sign-in');
  await fixtures.go('Forgot your password?');
  await fixtures.fill('Email', email);
  await fixtures.press('Send link');
  await fixtures.said('If this address has an account, a mail is on its way.');
  await fixtures.page.goto(`/reset-password#token=${await tokenFor(fixtures.gatehouse, email)}`);
  await fixtures.fill('New password', 'password1');
  await fixtures.press('Save password');
  expect(await fixtures.errorOf('New password')).not.toBe('');
  await fixtures.fill('New password', OTHER_PASSWORD);
  await fixtures.press('Save password');
  await fixtures.said('Your password is changed.');
  await signInByForm(fixtures.page, email, OTHER_PASSWORD);
});

it('says that a link is not whole, unknown, expired or used, and takes the next one in the same tab', async () => {
  const OVER = 'This link was used already, has expired, or was replaced by a newer one.';
  const { page } = fixtures;
  await page.goto('/verify-email');
  await fixtures.said('This link is incomplete.');
  await page.goto('/verify-email#token=nonsense');
  await fixtures.press('Confirm');
  await page.getByRole('alert').getByText(OVER).waitFor();
  // Only what stands behind the # is another one: the page stays, and reads it (ASVS 14.2.1: and keeps it out of the address).
  const token = await tokenFor(fixtures.gatehouse, email);
  const setExpiry = (interval: string) =>
    fixtures.database.query(
      'UPDATE one_time_tokens SET expires_at = now() + $1::interval WHERE user_id = (SELECT id FROM users WHERE email = $2)',
      [interval, email],
    );
  await setExpiry('-1 second');
  await page.goto(`/verify-email#token=${token}`);
  await page.getByRole('alert').waitFor({ state: 'detached' });
  expect(page.url()).not.toContain(token);
  await fixtures.press('Confirm');
  await page.getByRole('alert').getByText(OVER).waitFor();
  await setExpiry('1 hour');
  await fixtures.press('Confirm');
  await fixtures.said('Your email address is confirmed.');
  await page.reload();
  await page.goto(`/verify-email#token=${token}`);
  await fixtures.press('Confirm');
  await page.getByRole('alert').getByText(OVER).waitFor();
});

it('changes the email once the new address confirms, and keeps the session that asked', async () => {
  const other = freshEmail();
  await enter(fixtures.page, email);
  await fixtures.go('Security');
  await fixtures.fill('New email', other);
  await fixtures.fill('Password', 'wrong');
  await fixtures.press('Change email');
  expect(await fixtures.errorOf('Password')).not.toBe('');
  await fixtures.fill('Password', PASSWORD);
  await fixtures.press('Change email');
  await fixtures.said('A mail is on its way to the new address.');
  await fixtures.said(`${email} is not confirmed yet.`);
  await confirm(other);
  await fixtures.page.goto('/security');
  await fixtures.said(`${other} is confirmed.`);
});

it('undoes a change of the email, signs out its author, and leads to a new password', async () => {
  const other = freshEmail();
  await confirm(email);
  await enter(fixtures.page, email);
  await fixtures.go('Security');
  await fixtures.fill('New email', other);
  await fixtures.fill('Password', PASSWORD);
  await fixtures.press('Change email');
  await fixtures.said('A mail is on its way to the new address.');
  await confirm(other);
  const token = await tokenFor(fixtures.gatehouse, email);
  await fixtures.page.goto(`/undo-email-change#token=${token}`);
  expect(fixtures.page.url()).not.toContain(token);
  await fixtures.press('Undo the change');
  await fixtures.said('Your email address is back.');
  await fixtures.go('Go to Gatehouse');
  await fixtures.heading('Sign in').waitFor();
  await fixtures.page.goto(`/reset-password#token=${await tokenFor(fixtures.gatehouse, email)}`);
  await fixtures.fill('New password', OTHER_PASSWORD);
  await fixtures.press('Save password');
  await fixtures.said('Your password is changed.');
  await signInByForm(fixtures.page, email, OTHER_PASSWORD);
  await fixtures.page.getByText(email).first().waitFor();
  expect(await fixtures.page.getByText(other).count()).toBe(0);
});
