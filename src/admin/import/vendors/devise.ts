import { fullName, leftOf, type Vendor } from './vendor.js';

/** The table users of Rails with Devise, as CSV or JSON. */
export const devise: Vendor = {
  lists: { keys: [] },
  read: (row, { pepper }) => {
    const hash = row.text('encrypted_password');
    const peppered = pepper && hash && `$devise$${Buffer.from(pepper).toString('base64url')}${hash}`;
    return {
      fields: {
        email: row.text('email'),
        username: row.text('username'),
        name: row.text('name') ?? fullName(row.text('first_name'), row.text('last_name')),
        emailVerified: row.has('confirmed_at'),
        createdAt: row.time('created_at'),
        lastLoginAt: row.time('current_sign_in_at', 'last_sign_in_at'),
        passwordHash: peppered || hash,
      },
      left: leftOf({
        'second factors': row.has('otp_secret') || row.has('encrypted_otp_secret'),
        'outside identities': row.has('provider') && row.has('uid'),
        'addresses that wait to be confirmed': row.has('unconfirmed_email'),
        'locks after wrong passwords': row.has('locked_at'),
        'phone numbers': row.has('phone') || row.has('phone_number'),
      }),
      ...(row.has('deleted_at') && { fault: 'The user is deleted there.' }),
    };
  },
};
