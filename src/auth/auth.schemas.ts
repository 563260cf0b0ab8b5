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

const mailedToken = z.string().min(1).max(256).meta({ description: 'The token of a mailed link' });

export const mailedLink = z.strictObject({ token: mailedToken }).meta({ id: 'MailedLink' });

export const mailRequest = z.strictObject({ email: emailField }).meta({ id: 'MailRequest' });

export const passwordReset = z
  .strictObject({ token: mailedToken, password: passwordField })
  .meta({ id: 'PasswordReset' });

export const invitationAcceptance = z
  .strictObject({
    token: mailedToken,
    password: passwordField,
    username: usernameField.nullable().optional(),
    name: nameField.nullable().optional(),
  })
  .meta({ id: 'InvitationAcceptance' });

export const refresh = z
  .strictObject({ refreshToken: z.string().optional() })
  .optional()
  .meta({ id: 'Refresh', description: 'The refresh token, unless it is in the cookie' });

export const logout = z
  .strictObject({ refreshToken: z.string().optional() })
  .optional()
  .meta({ id: 'Logout', description: 'The refresh token, where the access token has expired and there is no cookie' });

export const logoutAll = z
  .strictObject({ keepCurrent: z.boolean().default(false) })
  .optional()
  .meta({ id: 'LogoutAll' });

/** What the routes answer. */
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
