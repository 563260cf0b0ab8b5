import { isOddUsername, leftOf, usernameOf, type Vendor } from './vendor.js';

/** The table users as CSV or JSON. */
export const laravel: Vendor = {
  lists: { keys: [] },
  read: (row) => {
    const [email, username] = [row.text('email'), row.text('username')];
    return {
      fields: {
        email,
        username: usernameOf(username),
        name: row.text('name'),
        emailVerified: row.has('email_verified_at'),
        createdAt: row.time('created_at'),
        passwordHash: row.text('password'),
      },
      left: leftOf({
        'usernames of another form': isOddUsername(username, email),
        'second factors': row.has('two_factor_secret'),
        'phone numbers': row.has('phone') || row.has('phone_number'),
      }),
      ...(row.has('deleted_at') && { fault: 'The user is deleted there.' }),
    };
  },
};
