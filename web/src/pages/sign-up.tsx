import { Link } from 'wouter';
import { gatehouse } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { EmailField, Form, filled, NewPasswordField, TextField, type Values } from '../ui/form.js';
import { Page } from '../ui/page.js';

async function signUp({ email = '', password = '', ...names }: Values) {
  const isSignedIn = await gatehouse.signUp({ email, password, ...filled(names) });
  return isSignedIn ? null : 'A mail is on its way. Follow its link to confirm your address, then sign in.';
}

/** Make an account. */
export function SignUpPage() {
  return (
    <Page title="Make an account">
      <Form submit="Make the account" action={signUp}>
        <EmailField label="Email" autoComplete="email" required />
        <NewPasswordField />
        <TextField name="name" label="Your name (if you like)" autoComplete="name" />
        <TextField name="username" label="Username (if you like)" autoComplete="username" autoCapitalize="none" />
      </Form>
      <p>
        Already have one? <Link href={PAGE_PATHS.signIn}>Sign in</Link>
      </p>
    </Page>
  );
}
