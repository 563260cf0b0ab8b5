import type { AuditType } from '../gatehouse.js';

const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** In the reader's own time zone and locale. */
export function Time({ at }: { at: string | null }) {
  return at ? <time dateTime={at}>{DATE_TIME.format(new Date(at))}</time> : <>never</>;
}

const EVENTS: Record<AuditType, string> = {
  'auth.registered': 'Signed up',
  'auth.login': 'Signed in',
  'auth.login_failed': 'Failed sign-in',
  'auth.logout': 'Signed out',
  'auth.refresh_reused': 'Old token used: device signed out',
  'session.revoked': 'Device signed out',
  'sessions.revoked_before': 'Sessions of many ended',
  'user.created': 'Account created',
  'user.updated': 'Details changed',
  'user.disabled': 'Account disabled',
  'user.enabled': 'Account enabled',
  'user.deleted': 'Account deleted',
  'user.exported': 'Data exported',
  'user.invited': 'Invited',
  'user.password_changed': 'Password changed',
  'user.password_reset': 'Password reset',
  'user.email_verified': 'Email confirmed',
  'user.email_changed': 'Email changed',
  'user.roles_changed': 'Roles changed',
  'role.saved': 'Role saved',
  'role.deleted': 'Role removed',
  'key.rotated': 'Signing key rotated',
  'audit.set_back': 'Audit log set back',
};

export const EVENT_TYPES = Object.keys(EVENTS);

/** The name of an audit type; a type unknown to this page is shown as it is. */
export const eventName = (type: string): string => (EVENTS as Record<string, string>)[type] ?? type;
