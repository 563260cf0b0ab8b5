import { leftOf, type Vendor } from './vendor.js';

/** What Supabase itself writes into the metadata of a user, or what is taken as their name. */
const KNOWN_METADATA = ['sub', 'email', 'emailverified', 'phoneverified', 'fullname', 'name'];

/** The table auth.users as CSV, of psql or of the dashboard, or as JSON. */
export const supabase: Vendor = {
  lists: { keys: [] },
  read: (row, { now }) => {
    const metadata = row.object('raw_user_meta_data');
    const providers = row.object('raw_app_meta_data').texts('providers');
    return {
      fields: {
        email: row.text('email'),
        name: metadata.text('full_name', 'name'),
        emailVerified: row.has('email_confirmed_at') || row.has('confirmed_at'),
        status: row.isAfter(now, 'banned_until') ? 'disabled' : 'active',
        createdAt: row.time('created_at'),
        lastLoginAt: row.time('last_sign_in_at'),
        passwordHash: row.text('encrypted_password'),
      },
      left: leftOf({
        'phone numbers': row.has('phone'),
        'outside identities': row.flag('is_sso_user') || providers.some((name) => !['email', 'phone'].includes(name)),
        metadata: metadata.names().some((name) => !KNOWN_METADATA.includes(name)),
      }),
      ...(row.has('deleted_at') && { fault: 'The user is deleted there.' }),
    };
  },
};
