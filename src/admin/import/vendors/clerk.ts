import { fullName, isOddUsername, leftOf, usernameOf, type Vendor } from './vendor.js';

/** The CSV of the dashboard's user export. */
export const clerk: Vendor = {
  lists: { keys: [] },
  read: (row) => {
    const verified = addresses(row.text('verified_email_addresses'));
    const others = addresses(row.text('unverified_email_addresses'));
    const email = row.text('primary_email_address') ?? verified[0] ?? others[0];
    const username = row.text('username');
    const digest = row.text('password_digest');
    const isMd5 = row.text('password_hasher') === 'md5' && /^[0-9a-f]{32}$/i.test(digest ?? '');
    return {
      fields: {
        email,
        username: usernameOf(username),
        name: fullName(row.text('first_name'), row.text('last_name')),
        emailVerified: email !== undefined && verified.includes(email),
        status: row.flag('banned') ? 'disabled' : 'active',
        createdAt: row.time('created_at'),
        lastLoginAt: row.time('last_sign_in_at'),
        passwordHash: isMd5 ? `{MD5}${Buffer.from(digest ?? '', 'hex').toString('base64')}` : digest,
      },
      left: leftOf({
        'usernames of another form': isOddUsername(username, email),
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
