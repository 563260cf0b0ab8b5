import { z } from 'zod';
import { MOST_ROLES, USER } from '../access/permissions.js';
import { typedText } from '../platform/common/typed-text.js';
import { roleName } from '../roles/role.js';
import { readEmail } from './email.js';

/** What a person may write into the fields of a user. Blanks around it are not kept. */
export const emailField = typedText
  .max(320)
  .refine((text) => readEmail(text) !== null, { message: 'Write an email address such as ada@example.com.' })
  .meta({ examples: ['ada@example.com'] });

/** What a username may be; no other text can be one that somebody has. */
export const USERNAME = /^[A-Za-z0-9._-]{3,32}$/;

export const usernameField = typedText
  .regex(USERNAME, { message: 'Use 3 to 32 of the letters A to Z, digits and . _ -' })
  // Of the text as it is sent, around which there may be blanks.
  .meta({ examples: ['ada'], pattern: '[A-Za-z0-9._-]{3,32}' });

/** In composed form (NFC), as the search looks for it. */
export const nameField = typedText
  // Normalising costs more than linear time, so what is far too long is not even normalised.
  .max(1000, { abort: true, message: 'At most 200 characters.' })
  .normalize('NFC')
  .min(1)
  .max(200)
  .regex(/^\P{Cc}+$/u, { message: 'Write a name, without control characters.' })
  .meta({
    description: 'Not blank, and without control characters',
    examples: ['Ada Lovelace'],
    pattern: '[^\\t\\n\\r ]',
  });

/** The password policy decides on passwords; here only what a JSON string can be. */
export const passwordField = z
  .string()
  .max(4096)
  .meta({ format: 'password', examples: ['correct horse battery'] });

export const rolesField = z
  .array(roleName)
  .max(MOST_ROLES)
  .meta({ examples: [[USER]] });

/** What an admin may write into a new user. */
export const userForm = z
  .strictObject({
    email: emailField,
    password: passwordField.optional().meta({ description: 'Without one the user is invited to choose it' }),
    username: usernameField.nullable().optional(),
    name: nameField.nullable().optional(),
    roles: rolesField.default([USER]),
  })
  .meta({ id: 'UserForm' });

export type UserForm = z.infer<typeof userForm>;

/** A user as the API shows one. Nothing about the password is ever part of it. */
export const userView = z
  .strictObject({
    id: z.uuid(),
    username: z.string().nullable(),
    email: z.string(),
    emailVerified: z.boolean(),
    name: z.string().nullable(),
    roles: z.array(z.string()),
    status: z.enum(['active', 'disabled']),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    lastLoginAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'User' });

export type UserView = z.infer<typeof userView>;

/** A user as the statements of the store return one. */
export interface UserRow {
  id: string;
  username: string | null;
  email: string;
  email_verified_at: Date | null;
  name: string | null;
  roles: string[];
  tokenVersion: number;
  status: 'active' | 'disabled';
  created_at: Date;
  updated_at: Date;
  last_login_at: Date | null;
}

/** The one mapping from a row to what the API shows. */
export function toUserView(row: UserRow): UserView {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    emailVerified: row.email_verified_at !== null,
    name: row.name,
    roles: row.roles,
    status: row.status,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    lastLoginAt: row.last_login_at?.toISOString() ?? null,
  };
}
