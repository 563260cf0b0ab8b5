import { enter, focusOf, signInByForm } from '../support/browser.js';
import { setStage } from '../support/fixtures.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, signUp } from '../support/users.js';

/** What people do with the links that they are mailed. */
const OTHER_PASSWORD = 'quiet lantern over moss';
const stage = setStage();
let email: string;

beforeEach(async () => {
  email = freshEmail();
  await signUp(stage.gatehouse, { email });
});

const confirm = async (address: string) => {
  await stage.page.goto(`/verify-email#token=${await tokenFor(stage.gatehouse, address)}`);
  await stage.press('Confirm');
  await stage.said('Your email address is confirmed.');
};

it('confirms the address once the button is pressed, and keeps the token out of sight', async () => {
  const token = await tokenFor(stage.gatehouse, email);
  await stage.page.goto(`/verify-email#token=${token}`);
  await stage.heading('Confirm your email address').waitFor();
  expect(stage.page.url()).not.toContain(token);
  expect(stage.profile.requests.filter((line) => line.startsWith('POST /v1/auth/email'))).toEqual([]);
  const saying = await stage.page.getByRole('status').last().elementHandle();
  await stage.press('Confirm');
  await stage.said('Your email address is confirmed.');
  // Announced, since its element was there before the text, and the keyboard focus goes on from there (WCAG 4.1.3, 2.4.3).
  expect(await saying?.textContent()).toBe('Your email address is confirmed.');
  expect(await focusOf(stage.page)).toBe('main');
  expect(stage.profile.requests.join()).not.toContain(token);
});

it('mails the link again on request, and that one confirms', async () => {
  await enter(stage.page, email);
  await stage.go('Security');
  await stage.said(`${email} is not confirmed yet.`);
  const [before] = await mailsTo(stage.gatehouse, email);
  await stage.press('Resend link');
  await stage.said('a mail is on its way.');
  const [again] = await mailsTo(stage.gatehouse, email);
  expect(again?.token).not.toBe(before?.token);
  await confirm(email);
  await stage.go('Go to Gatehouse');
  await stage.go('Security');
  await stage.said(`${email} is confirmed.`);
  expect(await stage.page.getByRole('button', { name: 'Resend link' }).count()).toBe(0);
});

it('chooses a new password by mail, and the one before is over', async () => {
  await stage.page.goto('/sign-in');
  await stage.go('Forgot your password?');
  await stage.fill('Email', email);
  await stage.press('Send link');
  await stage.said('If this address has an account, a mail is on its way.');
  await stage.page.goto(`/reset-password#token=${await tokenFor(stage.gatehouse, email)}`);
  await stage.fill('New password', 'password1');
  await stage.press('Save password');
  expect(await stage.errorOf('New password')).not.toBe('');
  await stage.fill('New password', OTHER_PASSWORD);
  await stage.press('Save password');
  await stage.said('Your password is changed.');
  await signInByForm(stage.page, email, OTHER_PASSWORD);
});

it('says that a link is not whole, unknown, expired or used, and takes the next one in the same tab', async () => {
  const OVER = 'This link was used already, has expired, or was replaced by a newer one.';
  const { page } = stage;
  await page.goto('/verify-email');
  await stage.said('This link is incomplete.');
  await page.goto('/verify-email#token=nonsense');
  await stage.press('Confirm');
  await page.getByRole('alert').getByText(OVER).waitFor();
  // Only what stands behind the # is another one: the page stays, and reads it (ASVS 14.2.1: and keeps it out of the address).
  const token = await tokenFor(stage.gatehouse, email);
  const setExpiry = (interval: string) =>
    stage.database.query(
      'UPDATE one_time_tokens SET expires_at = now() + $1::interval WHERE user_id = (SELECT id FROM users WHERE email = $2)',
      [interval, email],
    );
  await setExpiry('-1 second');
  await page.goto(`/verify-email#token=${token}`);
  await page.getByRole('alert').waitFor({ state: 'detached' });
  expect(page.url()).not.toContain(token);
  await stage.press('Confirm');
  await page.getByRole('alert').getByText(OVER).waitFor();
  await setExpiry('1 hour');
  await stage.press('Confirm');
  await stage.said('Your email address is confirmed.');
  await page.reload();
  await page.goto(`/verify-email#token=${token}`);
  await stage.press('Confirm');
  await page.getByRole('alert').getByText(OVER).waitFor();
});

it('changes the email once the new address confirms, and keeps the session that asked', async () => {
  const other = freshEmail();
  await enter(stage.page, email);
  await stage.go('Security');
  await stage.fill('New email', other);
  await stage.fill('Password', 'wrong');
  await stage.press('Change email');
  expect(await stage.errorOf('Password')).not.toBe('');
  await stage.fill('Password', PASSWORD);
  await stage.press('Change email');
  await stage.said('A mail is on its way to the new address.');
  await stage.said(`${email} is not confirmed yet.`);
  await confirm(other);
  await stage.page.goto('/security');
  await stage.said(`${other} is confirmed.`);
});

it('undoes a change of the email, signs out its author, and leads to a new password', async () => {
  const other = freshEmail();
  await confirm(email);
  await enter(stage.page, email);
  await stage.go('Security');
  await stage.fill('New email', other);
  await stage.fill('Password', PASSWORD);
  await stage.press('Change email');
  await stage.said('A mail is on its way to the new address.');
  await confirm(other);
  const token = await tokenFor(stage.gatehouse, email);
  await stage.page.goto(`/undo-email-change#token=${token}`);
  expect(stage.page.url()).not.toContain(token);
  await stage.press('Undo the change');
  await stage.said('Your email address is back.');
  await stage.go('Go to Gatehouse');
  await stage.heading('Sign in').waitFor();
  await stage.page.goto(`/reset-password#token=${await tokenFor(stage.gatehouse, email)}`);
  await stage.fill('New password', OTHER_PASSWORD);
  await stage.press('Save password');
  await stage.said('Your password is changed.');
  await signInByForm(stage.page, email, OTHER_PASSWORD);
  await stage.page.getByText(email).first().waitFor();
  expect(await stage.page.getByText(other).count()).toBe(0);
});
