import { z } from 'zod';
import { typedText } from '../platform/common/typed-text.js';
import { emailField } from '../users/user.js';

/** The token of a mailed link, as a body brings it back. */
export const mailedToken = typedText
  .min(1)
  .max(256)
  .meta({ description: 'The token of a mailed link', examples: ['DTRhqS2lo0rbGBdRNGkPFvJX3e5mCkUy1KbkVIUPb9A'] });

/** A body that is a mailed link and nothing else. */
export const mailedLink = z.strictObject({ token: mailedToken }).meta({ id: 'MailedLink' });

export type MailedLink = z.infer<typeof mailedLink>;

/** A body that asks for a mail to an address. */
export const mailRequest = z.strictObject({ email: emailField }).meta({ id: 'MailRequest' });

export type MailRequest = z.infer<typeof mailRequest>;
