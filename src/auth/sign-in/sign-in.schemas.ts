import { z } from 'zod';
import { tokensView } from '../../sessions/session.js';
import { passwordField, userView } from '../../users/user.js';

/** A name and its password. */
export const login = z
  .strictObject({
    email: z.string().optional(),
    username: z.string().optional(),
    password: passwordField,
  })
  .refine(({ email, username }) => (email === undefined) !== (username === undefined), {
    message: 'Send either email or username.',
  })
  .meta({ id: 'Login', description: 'Either `email` or `username`, and the password' });

/** What every way to sign in answers. */
export const signedIn = z
  .strictObject({ message: z.literal('Login successful'), user: userView, ...tokensView.shape })
  .meta({ id: 'SignedIn' });
