import { Row } from './row.js';
import { fullName, leftOf, type Vendor } from './vendor.js';

/** Of users who cannot sign in though they are enabled. */
const SHUT = ['ARCHIVED', 'COMPROMISED'];

/** `aws cognito-idp list-users`, or a CSV with the columns of `get-csv-header`. Cognito gives no password hash away. */
export const cognito: Vendor = {
  lists: { keys: ['Users'] },
  read: (row) => {
    const listed = row.list('Attributes').map((one) => [one.text('Name') ?? '', one.text('Value')] as const);
    const of = listed.length > 0 ? new Row(Object.fromEntries(listed)) : row;
    const username = row.text('Username', 'cognito:username');
    return {
      fields: {
        email: of.text('email'),
        username: isGenerated(username) ? undefined : username,
        name: of.text('name') ?? fullName(of.text('given_name'), of.text('family_name')),
        emailVerified: of.flag('email_verified'),
        status: row.isFalse('Enabled') || SHUT.includes(row.text('UserStatus') ?? '') ? 'disabled' : 'active',
        createdAt: row.time('UserCreateDate'),
      },
      left: leftOf({
        'phone numbers': of.has('phone_number'),
        'second factors': row.has('MFAOptions') || row.has('UserMFASettingList') || row.flag('cognito:mfa_enabled'),
        'outside identities': row.text('UserStatus') === 'EXTERNAL_PROVIDER' || of.has('identities'),
        'custom attributes': of.names().some((name) => name.startsWith('custom:')),
      }),
    };
  },
};

/** Where people sign in by address, the username is the `sub`. */
function isGenerated(username = ''): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(username);
}
