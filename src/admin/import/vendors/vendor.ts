import type { FirebaseHashing } from '../firebase-hash.js';
import type { JsonLists } from '../json-list.js';
import type { Row } from './row.js';

/** What an export of a vendor is read with. */
export interface VendorContext {
  /** The time, by the clock of the database. */
  now: Date;
  firebase?: FirebaseHashing;
  /** The pepper of Devise. */
  pepper?: string;
  /** What the second file says of each user, by the vendor's id. */
  accounts: ReadonlyMap<string, VendorAccount>;
}

/** How a user signs in, where the export keeps it in a file of its own. */
export interface VendorAccount {
  passwordHash?: string;
  hasOutsideIdentity: boolean;
}

/**
 * A user of an export, in the fields of our own file, and the names of what is not taken. A username that can be none here is
 * left out for it.
 */
export interface VendorUser {
  fields: Record<string, unknown>;
  left: string[];
  /** Why this user cannot be taken. */
  fault?: string;
}

/** A program whose raw export is taken. */
export interface Vendor {
  /** Where the users stand in its JSON. */
  lists: JsonLists;
  /** The user of a record, or null for a record that is none. */
  read: (row: Row, context: VendorContext) => VendorUser | null;
  /** What its second file says. */
  second?: { lists: JsonLists; read: (row: Row) => ({ id: string } & VendorAccount) | null };
}

/** What is not taken, for each of its names that applies. */
export function leftOf(found: Record<string, boolean>): string[] {
  return Object.keys(found).filter((name) => found[name]);
}

/** First and last name as one. */
export function fullName(...parts: (string | undefined)[]): string | undefined {
  return parts.filter(Boolean).join(' ') || undefined;
}
