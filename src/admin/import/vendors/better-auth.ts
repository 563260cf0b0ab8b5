import { leftOf, type Vendor } from './vendor.js';

/** The tables user and account as JSON or CSV, in two files, or in one as `{"user": […], "account": […]}`. */
export const betterAuth: Vendor = {
  lists: { keys: ['user', 'users'] },
  read: (row, { accounts }) => {
    const account = accounts.get(row.text('id') ?? '');
    return {
      fields: {
        email: row.text('email'),
        username: row.text('username'),
        name: row.text('name'),
        roles: row.text('role')?.split(/[\s,]+/),
        emailVerified: row.flag('emailVerified'),
        status: row.flag('banned') ? 'disabled' : 'active',
        createdAt: row.time('createdAt'),
        passwordHash: account?.passwordHash,
      },
      left: leftOf({
        'outside identities': account?.hasOutsideIdentity ?? false,
        'second factors': row.flag('twoFactorEnabled'),
        'phone numbers': row.has('phoneNumber'),
        pictures: row.has('image'),
      }),
    };
  },
  second: {
    lists: { keys: ['account', 'accounts'] },
    read: (row) => {
      const [id, isPassword] = [row.text('userId'), row.text('providerId') === 'credential'];
      if (id === undefined) return null;
      return { id, passwordHash: isPassword ? row.text('password') : undefined, hasOutsideIdentity: !isPassword };
    },
  },
};
