import { z } from 'zod';
import { tokensView } from '../../sessions/session.js';
import { emailField, nameField, passwordField, usernameField, userView } from '../../users/user.js';

/** What a person writes to sign up. */
export const registration = z
  .strictObject({
    email: emailField,
    password: passwordField,
    username: usernameField.nullable().optional(),
    name: nameField.nullable().optional(),
  })
  .meta({ id: 'Registration' });

export type RegistrationForm = z.infer<typeof registration>;

/** The new account with its first tokens. */
export const signedUp = z.strictObject({ user: userView, ...tokensView.shape }).meta({ id: 'SignedUp' });
