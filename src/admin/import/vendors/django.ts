import type { Row } from './row.js';
import { fullName, leftOf, type Vendor } from './vendor.js';

/** `manage.py dumpdata auth.user` or of a model of one's own, or the table as CSV. */
export const django: Vendor = {
  lists: { keys: [] },
  read: (record) => {
    const row = record.has('fields') ? record.object('fields') : record;
    if (record.has('model') && !isUser(row)) return null;
    const hash = row.text('password');
    return {
      fields: {
        email: row.text('email'),
        username: row.text('username'),
        name: fullName(row.text('first_name'), row.text('last_name')) ?? row.text('name'),
        status: row.isFalse('is_active') ? 'disabled' : 'active',
        createdAt: row.time('date_joined'),
        lastLoginAt: row.time('last_login'),
        // An exclamation mark stands for "no password".
        passwordHash: hash?.startsWith('!') ? undefined : hash,
      },
      left: leftOf({
        'staff and superuser marks': row.flag('is_staff') || row.flag('is_superuser'),
        'groups and permissions': row.has('groups') || row.has('user_permissions'),
      }),
    };
  },
};

/** A dump holds the rows of every model. */
function isUser(row: Row): boolean {
  return row.has('password') && (row.has('email') || row.has('username'));
}
