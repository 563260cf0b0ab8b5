/** SQLSTATE classes and codes that say the database is not there, not that the statement was wrong. */
const GONE = /^(?:08...|57P0[1-3]|57014|53300|25006)$/;
const GONE_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** What pg, its pool and TypeORM throw without a code when a connection breaks, or none comes in time. */
const GONE_MESSAGE =
  /^(?:Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error|Connection ended|Driver not Connected|Query runner already released)/i;

/** Whether an error of pg or TypeORM means that the database cannot be reached just now. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, driverError, errors } = error as { code?: unknown; driverError?: unknown; errors?: unknown[] };
  if (typeof code === 'string' && (GONE.test(code) || GONE_SOCKET.has(code))) return true;
  return (
    GONE_MESSAGE.test(error.message) || isDatabaseUnavailable(driverError) || (errors ?? []).some(isDatabaseUnavailable)
  );
}
