import { Link } from 'wouter';
import { gatehouse } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { EmailField, Form, NewPasswordField, TextField, type Values, withoutEmpty } from '../ui/form.js';
import { Page } from '../ui/page.js';

async function signUp({ email = '', password = '', ...names }: Values) {
  const isSignedIn = await gatehouse.signUp({ email, password, ...withoutEmpty(names) });
  return isSignedIn ? null : 'Check your email and follow the link to confirm your address, then sign in.';
}

export function SignUpPage() {
  return (
    <Page title="Create account">
      <Form submit="Create account" action={signUp}>
        <EmailField label="Email" autoComplete="email" required />
        <NewPasswordField />
        <TextField name="name" label="Your name (optional)" autoComplete="name" />
        <TextField name="username" label="Username (optional)" autoComplete="username" autoCapitalize="none" />
      </Form>
      <p>
        Already have one? <Link href={PAGE_PATHS.signIn}>Sign in</Link>
      </p>
    </Page>
  );
}
