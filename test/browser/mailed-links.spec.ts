import { signInByForm } from '../support/browser.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD, signUp } from '../support/people.js';
import { setStage } from '../support/stage.js';

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

it('confirms the address once somebody presses the button, and keeps the token out of sight', async () => {
  const token = await tokenFor(stage.gatehouse, email);
  await stage.page.goto(`/verify-email#token=${token}`);
  await stage.heading('Confirm your email address').waitFor();
  expect(stage.page.url()).not.toContain(token);
  expect(stage.profile.requests.filter((line) => line.startsWith('POST /v1/auth/email'))).toEqual([]);
  await stage.press('Confirm');
  await stage.said('Your email address is confirmed.');
  expect(stage.profile.requests.join()).not.toContain(token);
});

it('mails the link again to who asks, and that one confirms', async () => {
  await signInByForm(stage.page, email, PASSWORD);
  await stage.go('Security');
  await stage.said(`${email} is not confirmed yet.`);
  const [before] = await mailsTo(stage.gatehouse, email);
  await stage.press('Mail the link again');
  await stage.said('a mail is on its way.');
  const [again] = await mailsTo(stage.gatehouse, email);
  expect(again?.token).not.toBe(before?.token);
  await confirm(email);
  await stage.go('Go to Gatehouse');
  await stage.go('Security');
  await stage.said(`${email} is confirmed.`);
  expect(await stage.page.getByRole('button', { name: 'Mail the link again' }).count()).toBe(0);
});

it('chooses a new password by mail, and the one before is over', async () => {
  await stage.page.goto('/sign-in');
  await stage.go('Forgot the password?');
  await stage.fill('Email', email);
  await stage.press('Send the link');
  await stage.said('If this address has an account, a mail is on its way.');
  await stage.page.goto(`/reset-password#token=${await tokenFor(stage.gatehouse, email)}`);
  await stage.fill('New password', 'password1');
  await stage.press('Save the password');
  expect(await stage.errorOf('New password')).not.toBe('');
  await stage.fill('New password', OTHER_PASSWORD);
  await stage.press('Save the password');
  await stage.said('Your password is changed.');
  await signInByForm(stage.page, email, OTHER_PASSWORD);
});

it('says that a link is used, expired or not whole', async () => {
  await stage.page.goto('/reset-password');
  await stage.said('This address is not whole.');
  await stage.page.goto('/sign-in');
  await stage.page.goto('/verify-email#token=nonsense');
  await stage.press('Confirm');
  await stage.page.getByRole('alert').waitFor();
});

it('changes the email once the new address confirms, and keeps whoever asked signed in', async () => {
  const other = freshEmail();
  await signInByForm(stage.page, email, PASSWORD);
  await stage.go('Security');
  await stage.fill('New email', other);
  await stage.fill('Password', 'wrong');
  await stage.press('Change the email');
  expect(await stage.errorOf('Password')).not.toBe('');
  await stage.fill('Password', PASSWORD);
  await stage.press('Change the email');
  await stage.said('A mail is on its way to the new address.');
  await stage.said(`${email} is not confirmed yet.`);
  await confirm(other);
  await stage.page.goto('/security');
  await stage.said(`${other} is confirmed.`);
});

it('takes a change of the email back, signs out whoever made it, and leads to a new password', async () => {
  const other = freshEmail();
  await confirm(email);
  await signInByForm(stage.page, email, PASSWORD);
  await stage.go('Security');
  await stage.fill('New email', other);
  await stage.fill('Password', PASSWORD);
  await stage.press('Change the email');
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
  await stage.press('Save the password');
  await stage.said('Your password is changed.');
  await signInByForm(stage.page, email, OTHER_PASSWORD);
  await stage.page.getByText(email).first().waitFor();
  expect(await stage.page.getByText(other).count()).toBe(0);
});
