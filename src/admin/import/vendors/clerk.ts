import { ldapMd5 } from './spellings.js';
import { fullName, leftOf, type Vendor } from './vendor.js';

/** The CSV of the dashboard's user export. */
export const clerk: Vendor = {
  lists: { keys: [] },
  read: (row) => {
    const verified = addresses(row.text('verified_email_addresses'));
    const others = addresses(row.text('unverified_email_addresses'));
    const email = row.text('primary_email_address') ?? verified[0] ?? others[0];
    const digest = row.text('password_digest');
    const md5 = row.text('password_hasher') === 'md5' ? ldapMd5(digest) : undefined;
    return {
      fields: {
        email,
        username: row.text('username'),
        name: fullName(row.text('first_name'), row.text('last_name')),
        emailVerified: email !== undefined && verified.includes(email),
        status: row.flag('banned') ? 'disabled' : 'active',
        createdAt: row.time('created_at'),
        lastLoginAt: row.time('last_sign_in_at'),
        passwordHash: md5 ?? digest,
      },
      left: leftOf({
        'further addresses': new Set([email, ...verified, ...others]).size > 1,
        'phone numbers': row.has('verified_phone_numbers') || row.has('primary_phone_number'),
        'second factors': row.has('totp_secret'),
      }),
    };
  },
};

function addresses(list = ''): string[] {
  return list.split(/[\s,;|[\]"]+/).filter(Boolean);
}
