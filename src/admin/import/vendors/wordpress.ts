import { ldapMd5 } from './spellings.js';
import { leftOf, type Vendor } from './vendor.js';

/** The table wp_users as CSV or JSON. */
export const wordpress: Vendor = {
  lists: { keys: [] },
  read: (row) => {
    const hash = row.text('user_pass');
    return {
      fields: {
        email: row.text('user_email'),
        username: row.text('user_login'),
        name: row.text('display_name'),
        status: row.flag('spam') ? 'disabled' : 'active',
        createdAt: row.time('user_registered'),
        passwordHash: ldapMd5(hash) ?? hash,
      },
      left: leftOf({ 'web addresses': row.has('user_url') }),
      // Columns that only a network of several sites has.
      ...(row.flag('deleted') && { fault: 'The user is deleted there.' }),
    };
  },
};
