import { type ReactNode, useState, useSyncExternalStore } from 'react';
import { Link, useLocation } from 'wouter';
import { api, gatehouse, unwrap } from '../gatehouse.js';
import { PAGE_PATHS } from '../page-paths.js';
import { useMe } from '../queries.js';
import { useSession } from '../session.js';
import { Form, NewPasswordField, TextField, type Values, withoutEmpty } from '../ui/form.js';
import { Notice, StatusMessage } from '../ui/notice.js';
import { focusOnMain, Page } from '../ui/page.js';
import { QueryBoundary } from '../ui/query-boundary.js';

/** Removed from the address before anything else runs, so that the token does not stay in the browser's history. */
let mailedToken = takeTokenFromAddress();
// Opening a second link while this page is open loads nothing: only the part after the # changes.
addEventListener('hashchange', () => {
  mailedToken = takeTokenFromAddress() ?? mailedToken;
});

function takeTokenFromAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) history.replaceState(null, '', location.pathname);
  return token;
}

function subscribeToLinks(read: () => void): () => void {
  addEventListener('hashchange', read);
  return () => removeEventListener('hashchange', read);
}

interface MailedLinkProps {
  title: string;
  text: string;
  submit: string;
  /** Uses the token. Runs only when the button is pressed, so that scanners that open every link of an email use up nothing. */
  action: (token: string, values: Values) => Promise<ReactNode>;
  /** How to get a new email if the link has been used or has expired. */
  renewal?: ReactNode;
  /** Shown in place of the form while the link cannot be used. */
  obstacle?: ReactNode;
  children?: ReactNode;
}

function MailedLink({ title, ...link }: MailedLinkProps) {
  const token = useSyncExternalStore(subscribeToLinks, () => mailedToken);
  return (
    <Page title={title}>
      {token ? (
        <LinkForm key={token} token={token} {...link} />
      ) : (
        <>
          <Notice kind="bad">This link is incomplete. Open the link in the email again.</Notice>
          {link.renewal && <p>{link.renewal}</p>}
        </>
      )}
      <p>
        <Link href={PAGE_PATHS.dashboard}>Go to Gatehouse</Link>
      </p>
    </Page>
  );
}

type LinkFormProps = Omit<MailedLinkProps, 'title'> & { token: string };

function LinkForm({ token, text, submit, action, renewal, obstacle, children }: LinkFormProps) {
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
      <StatusMessage>{done}</StatusMessage>
      {!done && renewal && <p>{renewal}</p>}
    </>
  );
}

export function VerifyEmailPage() {
  return (
    <MailedLink
      title="Confirm your email address"
      text="Press the button to confirm that this address is yours."
      submit="Confirm"
      renewal="If the link no longer works, sign in to request a new one."
      action={async (token) => (await unwrap(api.POST('/v1/auth/email/verify', { body: { token } }))).message}
    />
  );
}

export function ResetPasswordPage() {
  return (
    <MailedLink
      title="Choose a new password"
      text="Every device will be signed out."
      submit="Save password"
      renewal={<Link href={PAGE_PATHS.forgotPassword}>Request a new link</Link>}
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
    await gatehouse.requestTokens('/v1/auth/invitations/accept', { token, password, ...withoutEmpty(names) });
    navigate(PAGE_PATHS.dashboard, { replace: true });
    return null;
  };
  return (
    <MailedLink
      title="Accept the invitation"
      text="Choose a password, and the account is yours."
      submit="Accept"
      renewal="If the link no longer works, ask the person who invited you for a new one."
      action={accept}
      obstacle={isSignedIn ? <SignOutFirst /> : undefined}
    >
      <NewPasswordField />
      <TextField name="name" label="Your name (optional)" autoComplete="name" />
      <TextField name="username" label="Username (optional)" autoComplete="username" autoCapitalize="none" />
    </MailedLink>
  );
}

/** An invitation never switches a signed-in person to another account without asking. */
function SignOutFirst() {
  const me = useMe();
  const signOut = async () => {
    focusOnMain();
    await gatehouse.signOut();
    return null;
  };
  return (
    <QueryBoundary query={me}>
      {({ email }) => (
        <>
          <p>You are signed in as {email}. The invitation is for a separate account: sign out first to accept it.</p>
          <Form submit="Sign out and continue" action={signOut} />
        </>
      )}
    </QueryBoundary>
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
