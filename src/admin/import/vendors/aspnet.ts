import { passlibPbkdf2 } from './spellings.js';
import { leftOf, type Vendor } from './vendor.js';

const DAY = 24 * 60 * 60 * 1000;
/** By the number that a hash of version 3 begins with. */
const DIGESTS = ['sha1', 'sha256', 'sha512'];

/** The table AspNetUsers as CSV or JSON. */
export const aspnet: Vendor = {
  lists: { keys: [] },
  read: (row, { now }) => {
    const hash = row.text('PasswordHash');
    return {
      fields: {
        email: row.text('Email'),
        username: row.text('UserName'),
        emailVerified: row.flag('EmailConfirmed'),
        // A ban ends in years, if ever; a lock-out after wrong passwords in minutes.
        status: row.isAfter(new Date(now.getTime() + DAY), 'LockoutEnd', 'LockoutEndDateUtc') ? 'disabled' : 'active',
        passwordHash: hash && hashOf(Buffer.from(hash, 'base64')),
      },
      left: leftOf({
        'phone numbers': row.has('PhoneNumber'),
        'second factors': row.flag('TwoFactorEnabled'),
      }),
    };
  },
};

/** Identity's versions 2 and 3, in the spelling of passlib. */
function hashOf(bytes: Buffer): string {
  if (bytes[0] === 0 && bytes.length === 49) return spelled('sha1', 1000, bytes.subarray(1, 17), bytes.subarray(17));
  if (bytes[0] !== 1 || bytes.length < 13) return 'unknown';
  const [digest, iterations, length] = [bytes.readUInt32BE(1), bytes.readUInt32BE(5), bytes.readUInt32BE(9)];
  return spelled(
    DIGESTS[digest] ?? 'unknown',
    iterations,
    bytes.subarray(13, 13 + length),
    bytes.subarray(13 + length),
  );
}

function spelled(digest: string, iterations: number, salt: Buffer, hash: Buffer): string {
  return passlibPbkdf2(digest, iterations, salt.toString('base64'), hash.toString('base64'));
}
