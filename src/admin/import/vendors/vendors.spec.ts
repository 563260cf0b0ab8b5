import { readLine } from '../import-line.js';
import { VENDORS } from './vendors.js';

/** What exports of real installations hold beside the plain user, one record each. */

const NOW = new Date('2026-01-02T03:04:05Z');
const read = (from: string, record: unknown) =>
  readLine({ line: 1, record }, { roles: ['user'], now: NOW, vendor: VENDORS[from] });
const EMAIL = 'ada@vendor.test';
const AT = { createdAt: new Date('2020-01-02T03:04:05Z') };

test.each([
  // Auth0's CSV has an apostrophe before each text, so that no spreadsheet takes it for a formula.
  [
    'auth0',
    {
      user_id: "'auth0|5f",
      email: `'${EMAIL}`,
      email_verified: 'true',
      name: "'Ada",
      created_at: "'2020-01-02T03:04:05Z",
    },
    { email: { written: EMAIL }, name: 'Ada', emailVerified: true, ...AT },
  ],
  ['auth0', { user_id: "'auth0|5f", email: `''${EMAIL}` }, { email: { written: `'${EMAIL}` } }],
  // Columns as its dashboard names them.
  ['auth0', { Id: 'auth0|5f', Email: EMAIL, 'Email Verified': true, 'Created At': '2020-01-02T03:04:05Z' }, AT],
  ['auth0', { Email: EMAIL, 'Email Verified': true, 'Given Name': 'Ada' }, { emailVerified: true }],
  // SQLite counts seconds, and JavaScript milliseconds.
  ['better-auth', { email: EMAIL, createdAt: '1577934245' }, AT],
  ['better-auth', { email: EMAIL, createdAt: 1577934245 }, AT],
  ['better-auth', { email: EMAIL, createdAt: 1577934245000 }, AT],
  ['cognito', { email: EMAIL, UserCreateDate: 1577934245.0, UserStatus: 'CONFIRMED' }, { ...AT, status: 'active' }],
  ['cognito', { email: EMAIL, UserStatus: 'COMPROMISED', Enabled: true }, { status: 'disabled' }],
  // Bans.
  ['supabase', { email: EMAIL, banned_until: 'infinity' }, { status: 'disabled' }],
  ['supabase', { email: EMAIL, banned_until: '2030-01-02 03:04:05+00' }, { status: 'disabled' }],
  ['supabase', { email: EMAIL, banned_until: 'for ever' }, { status: 'disabled' }],
  ['supabase', { email: EMAIL, banned_until: '2025-01-02 03:04:05+00' }, { status: 'active' }],
  ['supabase', { email: EMAIL, banned_until: '-infinity' }, { status: 'active' }],
  ['supabase', { email: EMAIL, banned_until: null }, { status: 'active' }],
  ['aspnet', { Email: EMAIL, LockoutEnd: '2126-01-02 03:04:05.0000000 +00:00' }, { status: 'disabled' }],
  ['aspnet', { Email: EMAIL, LockoutEnd: '9999-12-31 23:59:59.9999999 +00:00' }, { status: 'disabled' }],
  ['aspnet', { Email: EMAIL, LockoutEnd: '2026-01-02 03:09:05.0000000 +00:00' }, { status: 'active' }],
  ['aspnet', { Email: EMAIL, LockoutEnd: 'NULL' }, { status: 'active' }],
  ['wordpress', { user_email: EMAIL, spam: '1', deleted: '0' }, { status: 'disabled' }],
  ['wordpress', { user_email: EMAIL, spam: '0', deleted: '0' }, { status: 'active' }],
  ['wordpress', { user_email: EMAIL, spam: '0', deleted: '1' }, { reason: 'The user is deleted there.' }],
  ['devise', { email: EMAIL, locked_at: '2020-01-02 03:04:05' }, { left: ['locks after wrong passwords'] }],
  ['keycloak', { email: EMAIL, enabled: true, federationLink: 'ldap' }, { left: ['outside identities'] }],
])('%s: %j', (from, record, expected) => {
  expect(read(from, record)).toMatchObject(expected);
});

test("auth0: an apostrophe that may be the address's own is not taken away without an id that tells", () => {
  expect(read('auth0', { email: `'${EMAIL}` })).toMatchObject({ reason: expect.stringContaining('user_id') });
  expect(read('auth0', { user_id: 'auth0|5f', email: `'${EMAIL}` })).toMatchObject({ email: { written: `'${EMAIL}` } });
});

test.each(Object.keys(VENDORS))('%s: a user without an address is refused in plain words', (from) => {
  expect(read(from, { username: 'ada', password: '!', phone: '+49 30 1' })).toMatchObject({
    reason: 'email: There is none.',
  });
});
