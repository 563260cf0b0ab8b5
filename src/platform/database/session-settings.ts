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
  // Names of the catalog are compared with names that it has quoted.
  quote_all_identifiers: 'off',
  // A search leaves nobody out.
  gin_fuzzy_search_limit: '0',
  // That a commit stopped waiting for its standby is a warning.
  client_min_messages: 'notice',
  // Every wait is bounded by the timeout of its statement already.
  lock_timeout: '0',
};

/** Those without which an answer is wrong, and not only slower or of another look. */
const NEEDED: Record<string, (setting: string) => boolean> = {
  default_transaction_isolation: (setting) => setting === 'read committed',
  DateStyle: (setting) => setting.startsWith('ISO'),
  standard_conforming_strings: (setting) => setting === 'on',
  array_nulls: (setting) => setting === 'on',
  // A number comes back as it went out: by its time a guess gives its place back, and clocks are compared.
  extra_float_digits: (setting) => Number(setting) >= 1,
};

/** $1 names */
const READ = `
  SELECT name, setting, quote_ident(current_user) AS role FROM pg_settings WHERE name = ANY ($1::text[]) ORDER BY name`;

/** How every transaction begins: so no default of a session behind a pooler decides how isolated it is. */
export const START_TRANSACTION = 'START TRANSACTION ISOLATION LEVEL READ COMMITTED';

/** $1 names and values as JSON, $2 whether for the transaction alone */
const SETTLE = `
  SELECT pg_catalog.set_config(s.key, s.value, $2::pg_catalog.bool)
  FROM pg_catalog.jsonb_each_text($1::pg_catalog.jsonb) AS s`;

/**
 * What a transaction that may take its time is not ended by, for the role may have limits for its requests. Not every version
 * knows each of them.
 */
const LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'];

/** $1 names */
const LIFT = `
  SELECT pg_catalog.set_config(s.name, '0', true) FROM pg_catalog.pg_settings AS s WHERE s.name = ANY ($1::pg_catalog.text[])`;

/** A connection of pg, or a transaction of TypeORM. */
interface Runner {
  query(sql: string, values: unknown[]): Promise<unknown>;
}

/**
 * Gives a connection that no start-up options could be sent for the settings that our statements take for granted: for its
 * transaction, or for good, which is for connections that are ours alone. Throws the driver's error.
 */
export async function settle(runner: Runner, { isLocal }: { isLocal: boolean }): Promise<void> {
  await runner.query(SETTLE, [JSON.stringify(SESSION_SETTINGS), isLocal]);
}

/** Lets a transaction take as long as it likes, and wait for locks as long. Throws the driver's error. */
export async function liftLimits(runner: Runner): Promise<void> {
  await runner.query(LIFT, [LIMITS]);
}

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
  const { rows } = await client.query<{ name: string; setting: string; role: string }>(READ, [Object.keys(NEEDED)]);
  const unfit = rows.filter(({ name, setting }) => !NEEDED[name]?.(setting));
  if (unfit.length === 0) return null;
  const found = unfit.map(({ name, setting }) => `${name} = ${setting}`).join(', ');
  const mend = unfit.map(({ name, role }) =>
    ['ALTER ROLE', role, 'SET', name, '=', `'${SESSION_SETTINGS[name]}';`].join(' '),
  );
  return `Behind the pooler at DATABASE_URL a session has ${found}, with which statements fail or are misread. Run this and let the pooler connect anew: ${mend.join(' ')}`;
}
