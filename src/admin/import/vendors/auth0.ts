import type { Row } from './row.js';
import { fullName, leftOf, type Vendor } from './vendor.js';

/** The id of a database user, as both exports have it in common. */
function idOf(row: Row): string | undefined {
  return row.text('user_id', 'id')?.replace(/^auth0\|/, '') ?? row.text('alt_id') ?? row.object('_id').text('$oid');
}

/** Auth0's CSV has an apostrophe before each text. No id begins with one of its own; an address may. */
function plain(row: Row): Row {
  return row.text('user_id', 'id')?.startsWith("'") ? row.withoutApostrophes() : row;
}

/** The export of password hashes may have the address among the identifiers alone. */
function addressOf(row: Row): { email?: string; emailVerified: boolean } {
  const email = row.text('email');
  if (email !== undefined) return { email, emailVerified: row.flag('email_verified') };
  const identifier = row.list('identifiers').find((one) => one.text('type') === 'email');
  return { email: identifier?.text('value'), emailVerified: identifier?.flag('verified') ?? false };
}

/** The user export (NDJSON or CSV) with the export of password hashes beside it, or the latter alone. */
export const auth0: Vendor = {
  lists: { keys: [] },
  read: (record, { accounts }) => {
    const row = plain(record);
    const address = addressOf(row);
    const name = row.text('name');
    return {
      fields: {
        ...address,
        username: row.text('username'),
        // Without one Auth0 repeats the address.
        name: name === address.email ? fullName(row.text('given_name'), row.text('family_name')) : name,
        status: row.flag('blocked') ? 'disabled' : 'active',
        createdAt: row.time('created_at'),
        lastLoginAt: row.time('last_login'),
        passwordHash: row.text('passwordHash') ?? accounts.get(idOf(row) ?? '')?.passwordHash,
      },
      left: leftOf({
        'outside identities': row.list('identities').some((one) => one.text('provider') !== 'auth0'),
        'second factors': row.has('multifactor'),
        'phone numbers': row.has('phone_number'),
        metadata: row.has('app_metadata') || row.has('user_metadata'),
        pictures: row.has('picture'),
      }),
      ...(row.text('user_id', 'id') === undefined &&
        address.email?.startsWith("'") && { fault: 'email: export user_id too, which tells whose the apostrophe is.' }),
    };
  },
  second: {
    lists: { keys: [] },
    read: (row) => {
      const [id, passwordHash] = [idOf(row), row.text('passwordHash')];
      return id === undefined ? null : { id, passwordHash, hasOutsideIdentity: false };
    },
  },
};
