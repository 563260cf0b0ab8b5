import { z } from 'zod';
import { typedText } from '../../platform/common/typed-text.js';
import { EXACTLY_ONE } from '../../platform/http/json-schema.js';
import { tokensView } from '../../sessions/session.js';
import { passwordField, userView } from '../../users/user.js';

/** A name and its password. */
export const login = z
  .strictObject({
    email: typedText.optional().meta({ examples: ['ada@example.com'] }),
    username: typedText.optional().meta({ examples: ['ada'] }),
    password: passwordField,
  })
  .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
    message: 'Send either email or username.',
    // Told beside a password that is missing, too.
    when: ({ value }) => typeof value === 'object' && value !== null,
  })
  .meta({
    id: 'Login',
    [EXACTLY_ONE]: ['email', 'username'],
    description: 'Either `email` or `username`, and the password',
  });

/** What every way to sign in answers. */
export const signedIn = z
  .strictObject({ message: z.literal('Login successful'), user: userView, ...tokensView.shape })
  .meta({ id: 'SignedIn' });
