import { useState } from 'react';
import { Link } from 'wouter';
import { GatehouseProblem, gatehouse } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { useSession } from '../session.js';
import { Form, TextField, type Values } from '../ui/form.js';
import { Notice } from '../ui/notice.js';
import { Page } from '../ui/page.js';
import { ResendLink } from './resend-link.js';

export function SignInPage() {
  const { reason } = useSession();
  const [unconfirmed, setUnconfirmed] = useState<string | null>(null);

  const signIn = async ({ name = '', password = '' }: Values) => {
    const isEmail = name.includes('@');
    setUnconfirmed(null);
    try {
      await gatehouse.signIn(isEmail ? { email: name, password } : { username: name, password });
    } catch (error) {
      if (isEmail && error instanceof GatehouseProblem && error.code === 'email_not_verified') setUnconfirmed(name);
      throw error;
    }
    return null;
  };
  return (
    <Page title="Sign in">
      {reason && <Notice kind="info">{reason}</Notice>}
      <Form submit="Sign in" action={signIn}>
        <TextField name="name" label="Email or username" autoComplete="username" autoCapitalize="none" required />
        <TextField name="password" label="Password" type="password" autoComplete="current-password" required />
      </Form>
      {unconfirmed && <ResendLink email={unconfirmed} />}
      <p>
        <Link href={PAGE_PATHS.forgotPassword}>Forgot your password?</Link>
      </p>
      <p>
        New here? <Link href={PAGE_PATHS.signUp}>Create account</Link>
      </p>
    </Page>
  );
}
