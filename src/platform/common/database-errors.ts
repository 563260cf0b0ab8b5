/**
 * SQLSTATE classes and codes after which a connection is of no use: broken (what PgBouncer says of its server is in class 08,
 * too), ended by the server, or to a primary that was demoted.
 */
const CONNECTION_OVER = /^(?:08...|57P0[1235]|25P0[34]|25006)$/;
/**
 * Those that say no more than that the database has no answer now: it gave up, lets us not in (a password that was changed, a
 * primary with other rules), is full, or has undone the transaction for the sake of another.
 */
const NO_ANSWER = /^(?:57014|28...|3D000|53...|58030|40001|40P01|55P03)$/;
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
  /^(?:Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired$|Client (?:has encountered a connection error|was closed)|Connection ended|Driver not Connected|Query runner already released|Database connection provided by a query runner was already released)/i;

/** Whether an error of pg or TypeORM means that the database cannot be reached just now. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, driverError, errors } = error as { code?: unknown; driverError?: unknown; errors?: unknown[] };
  if (typeof code === 'string' && (CONNECTION_OVER.test(code) || NO_ANSWER.test(code) || GONE_SOCKET.has(code)))
    return true;
  return (
    GONE_MESSAGE.test(error.message) || isDatabaseUnavailable(driverError) || (errors ?? []).some(isDatabaseUnavailable)
  );
}

/** Whether an error of pg says that its connection is no good for another statement, even where it still answers. */
export function endsConnection(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'string' && CONNECTION_OVER.test(code);
}
