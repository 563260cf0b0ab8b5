import { api, unwrap } from '../gatehouse.js';
import { Form } from '../ui/form.js';

/** Requests the confirmation email again. */
export function ResendLink({ email }: { email: string }) {
  const resend = async () => (await unwrap(api.POST('/v1/auth/email/resend', { body: { email } }))).message;
  return <Form submit="Resend link" action={resend} />;
}
