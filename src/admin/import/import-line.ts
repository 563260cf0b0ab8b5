import { z } from 'zod';
import { isForeignHash } from '../../credentials/passwords/foreign-hashes.js';
import { roleName } from '../../roles/role.js';
import { type Email, readEmail } from '../../users/email.js';
import { emailField, nameField, usernameField } from '../../users/user.js';
import { type FirebaseHashing, firebaseHash } from './firebase.js';
import type { SourceLine } from './import-source.js';

/** What a line may say; a CSV column that is left empty says nothing. */
const line = z.strictObject({
  email: emailField,
  username: usernameField.nullish(),
  name: nameField.nullish(),
  roles: z.preprocess(listed, z.array(roleName)).nullish(),
  emailVerified: z.union([z.boolean(), z.stringbool()]).nullish(),
  status: z.enum(['active', 'disabled']).nullish(),
  createdAt: z
    .union([z.iso.datetime({ offset: true }), z.int().min(0)])
    .transform((at) => new Date(at))
    .nullish(),
  passwordHash: z.string().max(1024).nullish(),
  passwordSalt: z.string().max(256).nullish(),
});

/** A CSV has no lists. */
function listed(roles: unknown): unknown {
  return typeof roles === 'string' ? roles.split(/[\s;]+/).filter(Boolean) : roles;
}

/** A user as an import writes one. */
export interface ImportedUser {
  /** Where it stood in the file, from 1. */
  line: number;
  email: Email;
  username: string | null;
  name: string | null;
  roles: string[];
  emailVerified: boolean;
  status: 'active' | 'disabled';
  createdAt: Date | null;
  passwordHash: string | null;
}

/** A line that was not imported, and why. */
export interface RefusedLine {
  line: number;
  email: string | null;
  reason: string;
}

export interface LineOptions {
  /** The time, by the clock of the database. */
  now: Date;
  /** Roles of a user whose line names none. */
  roles: readonly string[];
  firebase?: FirebaseHashing;
}

/** Reads the record of a line. Says why it is refused, in words for the person who prepares the file. */
export function readLine(
  { line: number, record, fault }: SourceLine,
  options: LineOptions,
): ImportedUser | RefusedLine {
  const given = withoutBlanks(record);
  if (given === null) return { line: number, email: null, reason: 'This is no JSON object.' };
  const refuse = (reason: string): RefusedLine => ({ line: number, email: emailOf(given), reason });
  if (fault !== undefined) return refuse(fault);
  if (Object.values(given).some(isDamaged)) return refuse('The text is damaged: save the file as UTF-8.');
  if ('password' in given) return refuse('password: plain passwords are not imported; give passwordHash.');
  const { data, error } = line.safeParse(given);
  if (!data) return refuse(error.issues.map(describe).join(' '));
  // Tokens go stale by a change of roles after the account was made: in the future none would be.
  if (data.createdAt && !(data.createdAt <= options.now)) return refuse('createdAt: Give a moment that has passed.');
  const email = readEmail(data.email);
  if (!email) return refuse('email: Write an email address such as ada@example.com.');
  const passwordHash = data.passwordHash ? storableHash(data.passwordHash, data.passwordSalt, options.firebase) : null;
  if (data.passwordHash && !passwordHash) {
    return refuse('passwordHash: not a hash of a known kind, or one that would take too long to check.');
  }
  return {
    line: number,
    email,
    username: data.username ?? null,
    name: data.name ?? null,
    roles: [...new Set(data.roles ?? options.roles)],
    emailVerified: data.emailVerified ?? false,
    status: data.status ?? 'active',
    createdAt: data.createdAt ?? null,
    passwordHash,
  };
}

/** The hash as it is kept. `$2b$` is the prefix of our own hashes, so plain bcrypt is kept under its elder one. */
function storableHash(
  hash: string,
  salt: string | null | undefined,
  firebase: FirebaseHashing | undefined,
): string | null {
  const text =
    salt && firebase
      ? firebaseHash(hash, salt, firebase)
      : hash
          .replace(/^bcrypt\$(?=\$2)/, '')
          .replace(/^argon2(?=\$argon2)/, '')
          .replace(/^\$2b\$/, '$2a$');
  return isForeignHash(text) ? text : null;
}

function withoutBlanks(record: unknown): Record<string, unknown> | null {
  if (record === null || typeof record !== 'object' || Array.isArray(record)) return null;
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== ''));
}

/** U+FFFD stands where bytes were no UTF-8, here or in a conversion before. */
function isDamaged(value: unknown): boolean {
  return typeof value === 'string' && value.includes('\uFFFD');
}

function emailOf({ email }: Record<string, unknown>): string | null {
  return typeof email === 'string' ? email.slice(0, 320) : null;
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `There is no field ${issue.keys.join(', ')}.`;
  return `${issue.path.join('.') || 'line'}: ${issue.message}${issue.message.endsWith('.') ? '' : '.'}`;
}
