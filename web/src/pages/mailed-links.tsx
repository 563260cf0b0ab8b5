import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { PAGE_PATHS } from '../../../src/web/page-paths.js';
import { api, gatehouse, unwrap } from '../gatehouse.js';
import { Form, filled, NewPasswordField, TextField, type Values } from '../ui/form.js';
import { Notice } from '../ui/notice.js';
import { Page } from '../ui/page.js';

/** Taken out of the address before anything else runs, so that the token stays in no history. */
const mailedToken = new URLSearchParams(location.hash.slice(1)).get('token');
if (mailedToken) history.replaceState(null, '', location.pathname);

interface MailedLinkProps {
  title: string;
  text: string;
  submit: string;
  /** Uses the token. Only a person who presses the button does: scanners that open every link of a mail use up nothing. */
  action: (token: string, values: Values) => Promise<ReactNode>;
  /** Where a new mail is to be had, in case the link is used up or too old. */
  again?: ReactNode;
  children?: ReactNode;
}

function MailedLink({ title, text, submit, action, again, children }: MailedLinkProps) {
  const [done, setDone] = useState<ReactNode>(null);
  const act = async (values: Values) => {
    setDone(await action(mailedToken ?? '', values));
    return null;
  };
  return (
    <Page title={title}>
      {!mailedToken && <Notice kind="bad">This address is not whole. Open the link of the mail again.</Notice>}
      {mailedToken && !done && (
        <>
          <p>{text}</p>
          <Form submit={submit} action={act}>
            {children}
          </Form>
        </>
      )}
      {done && <Notice kind="good">{done}</Notice>}
      {!done && again && <p>{again}</p>}
      <p>
        <Link href={PAGE_PATHS.dashboard}>Go to Gatehouse</Link>
      </p>
    </Page>
  );
}

export function VerifyEmailPage() {
  return (
    <MailedLink
      title="Confirm your email address"
      text="Press the button to confirm that this address is yours."
      submit="Confirm"
      again="If the link no longer works, sign in: there a new one can be mailed."
      action={async (token) => (await unwrap(api.POST('/v1/auth/email/verify', { body: { token } }))).message}
    />
  );
}

export function ResetPasswordPage() {
  return (
    <MailedLink
      title="Choose a new password"
      text="Every device will be signed out."
      submit="Save the password"
      again={<Link href={PAGE_PATHS.forgotPassword}>Ask for a new link</Link>}
      action={async (token, { password = '' }) =>
        (await unwrap(api.POST('/v1/auth/password/reset', { body: { token, password } }))).message
      }
    >
      <NewPasswordField label="New password" />
    </MailedLink>
  );
}

export function AcceptInvitationPage() {
  const [, navigate] = useLocation();
  const accept = async (token: string, { password = '', ...names }: Values) => {
    await gatehouse.post('/v1/auth/invitations/accept', { token, password, ...filled(names) });
    navigate(PAGE_PATHS.dashboard, { replace: true });
    return null;
  };
  return (
    <MailedLink
      title="Accept the invitation"
      text="Choose a password, and the account is yours."
      submit="Accept"
      again="If the link no longer works, ask whoever invited you for a new one."
      action={accept}
    >
      <NewPasswordField />
      <TextField name="name" label="Your name (if you like)" autoComplete="name" />
      <TextField name="username" label="Username (if you like)" autoComplete="username" autoCapitalize="none" />
    </MailedLink>
  );
}

export function UndoEmailChangePage() {
  return (
    <MailedLink
      title="Undo the change of your email address"
      text="The account goes back to this address, every device is signed out, and you choose a new password."
      submit="Undo the change"
      action={async (token) => (await unwrap(api.POST('/v1/auth/email/undo', { body: { token } }))).message}
    />
  );
}
