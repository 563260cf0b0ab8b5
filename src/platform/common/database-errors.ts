import { isTlsFault } from './tls-fault.js';

/**
 * What an answer of the database means for the request that met it.
 * `ended`: its connection is of no use any more: broken (what PgBouncer says of its server is in class 08, too), ended by the
 * server, or to a primary that was demoted.
 * `conflict`: it has undone the transaction for the sake of another, and the same one may go well now.
 * `silent`: no more than that it has no answer now: it gave up, lets us not in (a password that was changed, a primary with
 * other rules), is full, or cannot read its own files.
 * `fault`: it answers, and what it was asked is wrong.
 */
type Meaning = 'ended' | 'conflict' | 'silent' | 'fault';

/** Every class of SQLSTATE (Appendix A of the manual of Postgres). */
const CLASSES: Record<string, Meaning> = {
  '00': 'fault',
  '01': 'fault',
  '02': 'fault',
  '03': 'fault',
  '08': 'ended',
  '09': 'fault',
  '0A': 'fault',
  '0B': 'fault',
  '0F': 'fault',
  '0L': 'fault',
  '0P': 'fault',
  '0Z': 'fault',
  '10': 'fault',
  '20': 'fault',
  '21': 'fault',
  '22': 'fault',
  '23': 'fault',
  '24': 'fault',
  '25': 'fault',
  '26': 'fault',
  '27': 'fault',
  '28': 'silent',
  '2B': 'fault',
  '2D': 'fault',
  '2F': 'fault',
  '34': 'fault',
  '38': 'fault',
  '39': 'fault',
  '3B': 'fault',
  '3D': 'silent',
  '3F': 'fault',
  '40': 'conflict',
  '42': 'fault',
  '44': 'fault',
  // Resources: the disk is full, memory or connections run out.
  '53': 'silent',
  '54': 'fault',
  '55': 'fault',
  '57': 'ended',
  // The system: a file cannot be read, written or found.
  '58': 'silent',
  '72': 'conflict',
  F0: 'fault',
  HV: 'fault',
  P0: 'fault',
  XX: 'fault',
};

/** Codes that mean something else than their class. */
const CODES: Record<string, Meaning> = {
  // A primary that was demoted, or set to read only.
  '25006': 'ended',
  // A transaction that was idle or open for longer than the server allows.
  '25P03': 'ended',
  '25P04': 'ended',
  '40002': 'fault',
  // Nobody knows whether the statement was run.
  '40003': 'ended',
  // The database takes no connections just now; a lock was not had in time.
  '55000': 'silent',
  '55P03': 'silent',
  // A statement that was cancelled, by its timeout or a person; its connection is as good as before.
  '57000': 'silent',
  '57014': 'silent',
};

/** The severities with which a server ends a connection, or lets none be made, whatever the code: a role without CONNECT, say. */
const LAST_WORDS = new Set(['FATAL', 'PANIC']);

/** Of what a connection is made: whatever the system says of it (no address, port or file left), there is none. */
const CONNECTING = new Set(['connect', 'getaddrinfo']);

const GONE_SOCKET = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]);
/** What pg, its pool and TypeORM throw without a code when a connection breaks, or none comes in time. */
const GONE_MESSAGE =
  /^(?:Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired$|Client (?:has encountered a connection error|was closed|network socket disconnected)|Connection ended|SASL|The server does not support SSL connections|There was an error establishing an SSL connection|Unknown authenticationOk message type|received invalid response|Cannot use a pool after calling end|Driver not Connected|Query runner already released|Database connection provided by a query runner was already released)/i;

/** What may stand in an error of pg, of TypeORM or of the system. */
interface Thrown {
  code?: unknown;
  severity?: unknown;
  syscall?: unknown;
  driverError?: unknown;
  errors?: unknown[];
}

/** Whether an error of pg or TypeORM means that the database cannot be reached just now. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, driverError, errors, syscall } = error as Thrown;
  const meaning = meaningOf(error);
  if (meaning !== undefined && meaning !== 'fault') return true;
  if (typeof syscall === 'string' && CONNECTING.has(syscall)) return true;
  // The next connection to a server that ran well may meet a fault of TLS.
  if (typeof code === 'string' && (GONE_SOCKET.has(code) || isTlsFault(code))) return true;
  return (
    GONE_MESSAGE.test(error.message) || isDatabaseUnavailable(driverError) || (errors ?? []).some(isDatabaseUnavailable)
  );
}

/** Whether an error of pg says that its connection is no good for another statement, even where it still answers. */
export function endsConnection(error: unknown): boolean {
  return meaningOf(error) === 'ended';
}

/** The plan of a statement by name no longer fits a table that was altered: on its connection it fails for good. */
const STALE_PLAN = '0A000';

/** Whether an error of pg says that a statement outside a transaction was refused, and its connection is as good as before. */
export function sparesConnection(error: unknown): boolean {
  const meaning = meaningOf(error);
  return meaning !== undefined && meaning !== 'ended' && (error as Thrown).code !== STALE_PLAN;
}

/**
 * Whether an error of pg or TypeORM says that a transaction, or a statement outside of one, was undone for the sake of another:
 * nothing of it is there, and it may be run again. Never so where a commit is in doubt.
 */
export function isConflict(error: unknown): boolean {
  return (
    meaningOf(error) === 'conflict' ||
    meaningOf((error as { driverError?: unknown } | null)?.driverError) === 'conflict'
  );
}

/** What the SQLSTATE of an error means; undefined where it has none. */
export function meaningOf(error: unknown): Meaning | undefined {
  const { code, severity } = Object(error) as Thrown;
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const meaning = CODES[code] ?? CLASSES[code.slice(0, 2)];
  return meaning === 'fault' && typeof severity === 'string' && LAST_WORDS.has(severity) ? 'ended' : meaning;
}
