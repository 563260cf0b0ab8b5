import { leftOf, type Vendor } from './vendor.js';

/** `firebase auth:export users.json`: `{"users": […]}`, with times in milliseconds as text. */
export const firebase: Vendor = {
  lists: { keys: ['users'] },
  read: (row, { firebase: hashing }) => {
    const passwordHash = row.text('passwordHash');
    return {
      fields: {
        email: row.text('email'),
        name: row.text('displayName'),
        emailVerified: row.flag('emailVerified'),
        status: row.flag('disabled') ? 'disabled' : 'active',
        createdAt: row.time('createdAt'),
        lastLoginAt: row.time('lastSignedInAt'),
        passwordHash,
        passwordSalt: row.text('salt'),
      },
      left: leftOf({
        'phone numbers': row.has('phoneNumber'),
        'second factors': row.has('mfaInfo'),
        'outside identities': row.list('providerUserInfo').some((one) => one.text('providerId') !== 'password'),
        'custom claims': row.has('customAttributes'),
        pictures: row.has('photoUrl'),
      }),
      ...(passwordHash && !hashing && { fault: "passwordHash: give the project's hash parameters with --firebase." }),
    };
  },
};
