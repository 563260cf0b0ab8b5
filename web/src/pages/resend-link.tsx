import { api, unwrap } from '../gatehouse.js';
import { Form } from '../ui/form.js';

/** Asks for the mail once more whose link confirms an address. */
export function ResendLink({ email }: { email: string }) {
  const resend = async () => (await unwrap(api.POST('/v1/auth/email/resend', { body: { email } }))).message;
  return <Form submit="Mail the link again" action={resend} />;
}
