import { Link } from 'wouter';
import { api, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { EmailField, Form, type Values } from '../ui/form.js';
import { Page } from '../ui/page.js';

async function forgot({ email = '' }: Values) {
  const { message } = await unwrap(api.POST('/v1/auth/password/forgot', { body: { email } }));
  return message;
}

/** Requests a link to choose a new password. */
export function ForgotPasswordPage() {
  return (
    <Page title="Forgot your password">
      <Form submit="Send link" action={forgot}>
        <EmailField label="Email" autoComplete="email" required />
      </Form>
      <p>
        <Link href={PAGE_PATHS.signIn}>Back to sign in</Link>
      </p>
    </Page>
  );
}
