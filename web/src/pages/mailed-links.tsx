import { type ReactNode, useState, useSyncExternalStore } from 'react';
import { Link, useLocation } from 'wouter';
import { api, gatehouse, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { useMe } from '../queries.js';
import { useSession } from '../session.js';
import { Form, filled, NewPasswordField, TextField, type Values } from '../ui/form.js';
import { Notice, Said } from '../ui/notice.js';
import { focusOnMain, Page } from '../ui/page.js';
import { Loaded } from '../ui/query-boundary.js';

/** Taken out of the address before anything else runs, so that the token stays in no history. */
let mailedToken = takeToken();
// A second link to the page that is open already loads nothing: only what stands behind the # is another one.
addEventListener('hashchange', () => {
  mailedToken = takeToken() ?? mailedToken;
});

function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}

function onAnotherLink(read: () => void): () => void {
  addEventListener('hashchange', read);
  return () => removeEventListener('hashchange', read);
}

interface MailedLinkProps {
  title: string;
  text: string;
  submit: string;
  /** Uses the token. Only a person who presses the button does: scanners that open every link of a mail use up nothing. */
  action: (token: string, values: Values) => Promise<ReactNode>;
  /** Where a new mail is to be had, in case the link is used up or too old. */
  again?: ReactNode;
  /** What stands in the way of using it. */
  obstacle?: ReactNode;
  children?: ReactNode;
}

function MailedLink({ title, ...link }: MailedLinkProps) {
  const token = useSyncExternalStore(onAnotherLink, () => mailedToken);
  return (
    <Page title={title}>
      {token ? (
        <WholeLink key={token} token={token} {...link} />
      ) : (
        <>
          <Notice kind="bad">This address is not whole. Open the link of the mail again.</Notice>
          {link.again && <p>{link.again}</p>}
        </>
      )}
      <p>
        <Link href={PAGE_PATHS.dashboard}>Go to Gatehouse</Link>
      </p>
    </Page>
  );
}

type WholeLinkProps = Omit<MailedLinkProps, 'title'> & { token: string };

function WholeLink({ token, text, submit, action, again, obstacle, children }: WholeLinkProps) {
  const [done, setDone] = useState<ReactNode>(null);
  const act = async (values: Values) => {
    setDone(await action(token, values));
    focusOnMain();
    return null;
  };
  const form = (
    <>
      <p>{text}</p>
      <Form submit={submit} action={act}>
        {children}
      </Form>
    </>
  );
  return (
    <>
      {!done && (obstacle ?? form)}
      <Said>{done}</Said>
      {!done && again && <p>{again}</p>}
    </>
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
  const { isSignedIn } = useSession();
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
      obstacle={isSignedIn ? <AnotherAccount /> : undefined}
    >
      <NewPasswordField />
      <TextField name="name" label="Your name (if you like)" autoComplete="name" />
      <TextField name="username" label="Username (if you like)" autoComplete="username" autoCapitalize="none" />
    </MailedLink>
  );
}

/** Whoever is signed in does not become somebody else unasked. */
function AnotherAccount() {
  const me = useMe();
  const signOut = async () => {
    focusOnMain();
    await gatehouse.signOut();
    return null;
  };
  return (
    <Loaded query={me}>
      {({ email }) => (
        <>
          <p>You are signed in as {email}. The invitation is for an account of its own: sign out first to accept it.</p>
          <Form submit="Sign out and go on" action={signOut} />
        </>
      )}
    </Loaded>
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
