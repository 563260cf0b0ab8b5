import { z } from 'zod';
import { tokensView } from '../sessions/session.js';
import { emailField, nameField, passwordField, usernameField, userView } from '../users/user.js';

/** The bodies of the authentication routes. */
export const registration = z
  .strictObject({
    email: emailField,
    password: passwordField,
    username: usernameField.nullable().optional(),
    name: nameField.nullable().optional(),
  })
  .meta({ id: 'Registration' });

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

export const refresh = z.strictObject({ refreshToken: z.string() }).meta({ id: 'Refresh' });

export const logout = z
  .strictObject({ refreshToken: z.string().optional() })
  .optional()
  .meta({ id: 'Logout', description: 'The refresh token, where the access token has expired' });

export const logoutAll = z
  .strictObject({ keepCurrent: z.boolean().default(false) })
  .optional()
  .meta({ id: 'LogoutAll' });

/** What the routes answer. */
export const message = z.strictObject({ message: z.string() }).meta({ id: 'Message' });

export const signedUp = z.strictObject({ user: userView, ...tokensView.shape }).meta({ id: 'SignedUp' });

export const signedIn = z
  .strictObject({ message: z.literal('Login successful'), user: userView, ...tokensView.shape })
  .meta({ id: 'SignedIn' });

export const whoAmI = z
  .strictObject({
    user: z.strictObject({ id: z.uuid(), username: z.string().nullable(), roles: z.array(z.string()) }),
    session: z.strictObject({ id: z.uuid() }),
    expiresAt: z.iso.datetime().meta({ description: 'When the access token expires' }),
  })
  .meta({ id: 'WhoAmI' });
