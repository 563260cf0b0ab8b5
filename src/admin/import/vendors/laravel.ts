import { leftOf, type Vendor } from './vendor.js';

/** The table users as CSV or JSON. */
export const laravel: Vendor = {
  lists: { keys: [] },
  read: (row) => ({
    fields: {
      email: row.text('email'),
      username: row.text('username'),
      name: row.text('name'),
      emailVerified: row.has('email_verified_at'),
      createdAt: row.time('created_at'),
      passwordHash: row.text('password'),
    },
    left: leftOf({
      'second factors': row.has('two_factor_secret'),
      'phone numbers': row.has('phone') || row.has('phone_number'),
    }),
    ...(row.has('deleted_at') && { fault: 'The user is deleted there.' }),
  }),
};
