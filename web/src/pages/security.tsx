import { api, gatehouse, unwrap } from '../gatehouse.js';
import { refetchAll, useMe } from '../queries.js';
import { EmailField, Form, NewPasswordField, TextField, type Values } from '../ui/form.js';
import { Page, Section } from '../ui/page.js';
import { QueryBoundary } from '../ui/query-boundary.js';
import { ResendLink } from './resend-link.js';

async function changePassword({ currentPassword = '', newPassword = '' }: Values) {
  await gatehouse.requestTokens('/v1/users/me/password', { currentPassword, newPassword });
  await refetchAll();
  return 'Your password is changed. Every other device is signed out.';
}

async function changeEmail({ email = '', password = '' }: Values) {
  return (await unwrap(api.POST('/v1/users/me/email', { body: { email, password } }))).message;
}

export function SecurityPage() {
  const me = useMe();
  return (
    <Page title="Security">
      <Section title="Password">
        <Form submit="Change password" action={changePassword} resets>
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
        <QueryBoundary query={me}>
          {({ email, emailVerified }) => <EmailState email={email} isVerified={emailVerified} />}
        </QueryBoundary>
        <Form submit="Change email" action={changeEmail} resets>
          <EmailField
            label="New email"
            autoComplete="email"
            required
            description="It takes effect once you follow the link we send to it."
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
