import { isOddUsername, leftOf, usernameOf, type Vendor } from './vendor.js';

/** The table wp_users as CSV or JSON. */
export const wordpress: Vendor = {
  lists: { keys: [] },
  read: (row) => {
    const [email, username] = [row.text('user_email'), row.text('user_login')];
    const hash = row.text('user_pass');
    const isPlainMd5 = /^[0-9a-f]{32}$/i.test(hash ?? '');
    return {
      fields: {
        email,
        username: usernameOf(username),
        name: row.text('display_name'),
        createdAt: row.time('user_registered'),
        passwordHash: isPlainMd5 ? `{MD5}${Buffer.from(hash ?? '', 'hex').toString('base64')}` : hash,
      },
      left: leftOf({
        'usernames of another form': isOddUsername(username, email),
        'web addresses': row.has('user_url'),
      }),
    };
  },
};
