import { z } from 'zod';
import { isForeignHash } from '../../credentials/passwords/foreign-hashes.js';
import { trimBlanks } from '../../platform/common/trim-blanks.js';
import { type Email, readEmail } from '../../users/email.js';
import { emailField, nameField, rolesField, USERNAME, usernameField } from '../../users/user.js';
import { type FirebaseHashing, firebaseHash } from './firebase-hash.js';
import { readMoment } from './moment.js';
import type { SourceLine } from './source-line.js';
import { Row } from './vendors/row.js';
import type { Vendor, VendorContext, VendorUser } from './vendors/vendor.js';

/** As databases print them; Postgres's are single letters. */
const TRUE = ['true', 't', '1', 'yes', 'y', 'on'];
const FALSE = ['false', 'f', '0', 'no', 'n', 'off'];

const moment = z.unknown().transform((given, context) => {
  const at = readMoment(given);
  if (at) return at;
  context.addIssue('Write a time with its zone, such as 2026-11-30T12:00:00Z, or milliseconds since 1970');
  return z.NEVER;
});

/** What a line may say; a CSV column that is left empty says nothing. */
const line = z.strictObject({
  email: emailField,
  username: usernameField.nullish(),
  name: nameField.nullish(),
  roles: z.preprocess(listed, rolesField).nullish(),
  emailVerified: z.union([z.boolean(), z.stringbool({ truthy: TRUE, falsy: FALSE })]).nullish(),
  status: z.enum(['active', 'disabled']).nullish(),
  createdAt: moment.nullish(),
  lastLoginAt: moment.nullish(),
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
  lastLoginAt: Date | null;
  passwordHash: string | null;
  /** What the export has and we do not take. */
  left: string[];
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
  /** The program whose export it is; without one the fields are our own. */
  vendor?: Vendor;
  pepper?: string;
  accounts?: VendorContext['accounts'];
}

/**
 * Reads the record of a line. Says why it is refused, in words for the person who prepares the file. Null for a record of
 * an export that is no user.
 */
export function readLine(
  { line: number, record, fault }: SourceLine,
  options: LineOptions,
): ImportedUser | RefusedLine | null {
  const written = withoutBlanks(record);
  if (written === null) return { line: number, email: null, reason: 'This is no JSON object.' };
  const translated = translate(written, options);
  if (translated === null) return null;
  const given = withoutBlanks(translated.fields) ?? {};
  const refuse = (reason: string): RefusedLine => ({ line: number, email: emailOf(given), reason });
  const found = fault ?? translated.fault;
  if (found !== undefined) return refuse(found);
  if (Object.values(given).some(isDamaged)) return refuse('The text is damaged: save the file as UTF-8.');
  if ('password' in given) return refuse('password: plain passwords are not imported; give passwordHash.');
  if (given.email === undefined) return refuse('email: There is none.');
  const { data, error } = line.safeParse(given);
  if (!data) return refuse(error.issues.map(describe).join(' '));
  // Tokens go stale by a change of roles after the account was made: in the future none would be.
  for (const field of ['createdAt', 'lastLoginAt'] as const) {
    const at = data[field];
    if (at && !(at <= options.now)) return refuse(`${field}: Give a moment that has passed.`);
  }
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
    lastLoginAt: data.lastLoginAt ?? null,
    passwordHash,
    left: translated.left,
  };
}

/** The record in our own fields. */
function translate(written: Record<string, unknown>, options: LineOptions): VendorUser | null {
  const { vendor, now, firebase, pepper, accounts = new Map() } = options;
  if (!vendor) return { fields: written, left: [] };
  const user = vendor.read(new Row(written), { now, firebase, pepper, accounts });
  return user && withFitUsername(user);
}

/** Leaves out a username that can be none here, and says so unless it is the address once more, as many programs have it. */
function withFitUsername(user: VendorUser): VendorUser {
  const { email, username } = user.fields;
  if (typeof username !== 'string' || USERNAME.test(username)) return user;
  const isAddress = typeof email === 'string' && username.toLowerCase() === email.toLowerCase();
  return {
    ...user,
    fields: { ...user.fields, username: undefined },
    left: isAddress ? user.left : ['usernames of another form', ...user.left],
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
  return Object.fromEntries(
    Object.entries(record).filter(
      ([, value]) => value !== undefined && (typeof value !== 'string' || trimBlanks(value) !== ''),
    ),
  );
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
