import { Link } from 'wouter';
import { PAGE_PATHS } from '../../../src/web/page-paths.js';
import { gatehouse } from '../gatehouse.js';
import { useSession } from '../session.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Notice } from '../ui/notice.js';
import { Page } from '../ui/page.js';

async function signIn({ name = '', password = '' }: Values) {
  await gatehouse.signIn(name.includes('@') ? { email: name, password } : { username: name, password });
  return null;
}

/** Sign in with email or username. */
export function SignInPage() {
  const { reason } = useSession();
  return (
    <Page title="Sign in">
      {reason && <Notice kind="info">{reason}</Notice>}
      <Form submit="Sign in" action={signIn}>
        <TextField name="name" label="Email or username" autoComplete="username" autoCapitalize="none" required />
        <TextField name="password" label="Password" type="password" autoComplete="current-password" required />
      </Form>
      <p>
        <Link href={PAGE_PATHS.forgotPassword}>Forgot the password?</Link>
      </p>
      <p>
        New here? <Link href={PAGE_PATHS.signUp}>Make an account</Link>
      </p>
    </Page>
  );
}
