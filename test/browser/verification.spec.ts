import { setStage } from '../support/fixtures.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD } from '../support/users.js';

/** Signing up where an address must be confirmed before the first sign-in. */
const stage = setStage({ EMAIL_VERIFICATION: 'required' });

async function signUpAs(email: string) {
  await stage.page.goto('/sign-up');
  await stage.fill('Email', email);
  await stage.fill('Password', PASSWORD);
  await stage.press('Create account');
  await stage.said('Check your email and follow the link to confirm your address');
}

async function signInAs(email: string) {
  await stage.page.goto('/sign-in');
  await stage.fill('Email or username', email);
  await stage.fill('Password', PASSWORD);
  await stage.press('Sign in');
}

it('lets nobody in before the address is confirmed, says why, and helps to get the mail again', async () => {
  const email = freshEmail();
  await signUpAs(email);
  expect(await stage.profile.context.cookies()).toEqual([]);
  await signInAs(email);
  await stage.page.getByRole('alert').getByText('confirm').waitFor();
  const before = (await mailsTo(stage.gatehouse, email)).length;
  await stage.press('Resend link');
  await stage.said('a mail is on its way.');
  expect((await mailsTo(stage.gatehouse, email)).length).toBe(before + 1);
  await stage.page.goto(`/verify-email#token=${await tokenFor(stage.gatehouse, email)}`);
  await stage.press('Confirm');
  await stage.said('Your email address is confirmed.');
  await signInAs(email);
  await stage.heading('Dashboard').waitFor();
});

it('answers the same to a sign-up with an address that has an account', async () => {
  const email = freshEmail();
  await signUpAs(email);
  await stage.page.goto(`/verify-email#token=${await tokenFor(stage.gatehouse, email)}`);
  await stage.press('Confirm');
  await stage.said('Your email address is confirmed.');
  const before = (await mailsTo(stage.gatehouse, email)).length;
  await signUpAs(email);
  expect(await stage.page.getByRole('alert').count()).toBe(0);
  expect((await mailsTo(stage.gatehouse, email)).length).toBe(before + 1);
});
