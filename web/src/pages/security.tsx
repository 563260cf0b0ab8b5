import { api, gatehouse, unwrap } from '../gatehouse.js';
import { readAgain, useMe } from '../queries.js';
import { EmailField, Form, NewPasswordField, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { Loaded } from '../ui/query-boundary.js';
import { ResendLink } from './resend-link.js';

async function changePassword({ currentPassword = '', newPassword = '' }: Values) {
  await gatehouse.post('/v1/users/me/password', { currentPassword, newPassword });
  await readAgain();
  return 'Your password is changed. Every other device is signed out.';
}

async function changeEmail({ email = '', password = '' }: Values) {
  return (await unwrap(api.POST('/v1/users/me/email', { body: { email, password } }))).message;
}

/** Password and email. */
export function SecurityPage() {
  const me = useMe();
  return (
    <Page title="Security">
      <Section title="Password">
        <Form submit="Change the password" action={changePassword} resets>
          <TextField
            name="currentPassword"
            label="Current password"
            type="password"
            autoComplete="current-password"
            required
          />
          <NewPasswordField name="newPassword" label="New password" />
        </Form>
      </Section>
      <Section title="Email">
        <Loaded query={me}>
          {({ email, emailVerified }) => <EmailState email={email} isVerified={emailVerified} />}
        </Loaded>
        <Form submit="Change the email" action={changeEmail} resets>
          <EmailField
            label="New email"
            autoComplete="email"
            required
            description="It counts once you follow the link that we mail to it."
          />
          <TextField name="password" label="Password" type="password" autoComplete="current-password" required />
        </Form>
      </Section>
    </Page>
  );
}

function EmailState({ email, isVerified }: { email: string; isVerified: boolean }) {
  if (isVerified) return <p>{email} is confirmed.</p>;
  return (
    <>
      <p>{email} is not confirmed yet.</p>
      <ResendLink email={email} />
    </>
  );
}
