import { setUpFixtures } from '../support/fixtures.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { freshEmail, PASSWORD } from '../support/users.js';

/** Signing up where an address must be confirmed before the first sign-in. */
const fixtures = setUpFixtures({ EMAIL_VERIFICATION: 'required' });

async function signUpAs(email: string) {
  await fixtures.page.goto('/sign-up');
  await fixtures.fill('Email', email);
  await fixtures.fill('Password', PASSWORD);
  await fixtures.press('Create account');
  await fixtures.said('Check your email and follow the link to confirm your address');
}

async function signInAs(email: string) {
  await fixtures.page.goto('/sign-in');
  await fixtures.fill('Email or username', email);
  await fixtures.fill('Password', PASSWORD);
  await fixtures.press('Sign in');
}

it('lets nobody in before the address is confirmed, says why, and helps to get the mail again', async () => {
  const email = freshEmail();
  await signUpAs(email);
  expect(await fixtures.profile.context.cookies()).toEqual([]);
  await signInAs(email);
  await fixtures.page.getByRole('alert').getByText('confirm').waitFor();
  const before = (await mailsTo(fixtures.gatehouse, email)).length;
  await fixtures.press('Resend link');
  await fixtures.said('a mail is on its way.');
  expect((await mailsTo(fixtures.gatehouse, email)).length).toBe(before + 1);
  await fixtures.page.goto(`/verify-email#token=${await tokenFor(fixtures.gatehouse, email)}`);
  await fixtures.press('Confirm');
  await fixtures.said('Your email address is confirmed.');
  await signInAs(email);
  await fixtures.heading('Dashboard').waitFor();
});

it('answers the same to a sign-up with an address that has an account', async () => {
  const email = freshEmail();
  await signUpAs(email);
  await fixtures.page.goto(`/verify-email#token=${await tokenFor(fixtures.gatehouse, email)}`);
  await fixtures.press('Confirm');
  await fixtures.said('Your email address is confirmed.');
  const before = (await mailsTo(fixtures.gatehouse, email)).length;
  await signUpAs(email);
  expect(await fixtures.page.getByRole('alert').count()).toBe(0);
  expect((await mailsTo(fixtures.gatehouse, email)).length).toBe(before + 1);
});
