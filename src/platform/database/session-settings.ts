import type { Client } from 'pg';

/**
 * What our statements take for granted of a session, whatever the database, its role or the server has for a default.
 * `default_transaction_read_only` is left alone: it is how a primary is fenced off.
 */
const SESSION_SETTINGS: Record<string, string> = {
  // A statement that waited for a row goes on with the row as it is then; at the other levels it would fail.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // pg reads no other form of these.
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  // How our texts and arrays are read.
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  // That a commit stopped waiting for its standby is a warning.
  client_min_messages: 'notice',
  // Every wait is bounded by the timeout of its statement already.
  lock_timeout: '0',
};

/** Those without which an answer is wrong, and not only slower or of another look. */
const NEEDED = ['default_transaction_isolation', 'DateStyle', 'standard_conforming_strings', 'array_nulls'];

/** $1 names */
const READ = 'SELECT name, setting, current_user AS role FROM pg_settings WHERE name = ANY ($1) ORDER BY name';

/** How every transaction begins: so no default of a session behind a pooler decides how isolated it is. */
export const START_TRANSACTION = 'START TRANSACTION ISOLATION LEVEL READ COMMITTED';

/** The settings of a session as the server takes them from `options`, where no pooler refuses that. */
export function sessionArguments(): string {
  return Object.entries(SESSION_SETTINGS)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ');
}

/**
 * What a session behind a pooler lacks, to which nothing can be said when it starts: a sentence with the statements that mend
 * it, or null. Throws the driver's error.
 */
export async function unfitSettings(client: Client): Promise<string | null> {
  const { rows } = await client.query<{ name: string; setting: string; role: string }>(READ, [NEEDED]);
  const unfit = rows.filter(({ name, setting }) => !setting.startsWith(SESSION_SETTINGS[name] ?? ''));
  if (unfit.length === 0) return null;
  const found = unfit.map(({ name, setting }) => `${name} = ${setting}`).join(', ');
  const mend = unfit.map(({ name, role }) =>
    ['ALTER ROLE', role, 'SET', name, '=', `'${SESSION_SETTINGS[name]}';`].join(' '),
  );
  return `Behind the pooler at DATABASE_URL a session has ${found}, with which statements fail or are misread. Run this and let the pooler connect anew: ${mend.join(' ')}`;
}
