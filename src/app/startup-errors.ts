import { FirstAdminError } from '../admin/first-admin-error.js';
import { isDatabaseUnavailable } from '../platform/common/database-errors.js';
import { ConfigError } from '../platform/config/config.js';
import { EmbeddedPostgresError } from '../platform/database/embedded/embedded-postgres-error.js';
import { ChannelError } from '../platform/database/feed/bell.js';
import { StandbyError } from '../platform/database/feed/change-cursor.js';
import { ClockError } from '../platform/database/feed/clock-watch.js';
import { NoPulseError } from '../platform/database/feed/database-feed.js';
import { MigrationBlockedError } from '../platform/database/run-migrations.js';
import { SchemaError } from '../platform/database/schema.js';
import { TokenTooLongError } from '../tokens/token-too-long-error.js';
import { WrongAppSecretError } from '../tokens/wrong-app-secret-error.js';
import { WorkerStartError } from './cluster.js';
import { connectionRefusal } from './connection-errors.js';
import { DirectUrlError } from './direct-url-error.js';
import { ListenError } from './listen-error.js';
import { TwoDatabasesError } from './two-databases.js';

/** Exit codes of sysexits.h. */
const CONFIG = 78;
const UNAVAILABLE = 69;
const SOFTWARE = 70;

/** What Postgres says of a statement that would write on a standby. */
const READ_ONLY = '25006';

const TOO_MANY_CONNECTIONS = '53300';

/** What may pass, and says what it is in one sentence. */
const AWAY = [EmbeddedPostgresError, NoPulseError, StandbyError, MigrationBlockedError];

/** What only a person can mend, and says so in one sentence. */
const MISCONFIGURED = [
  ConfigError,
  WrongAppSecretError,
  TokenTooLongError,
  FirstAdminError,
  ChannelError,
  ClockError,
  TwoDatabasesError,
  SchemaError,
];

/**
 * Why the server cannot start, or what else was attempted cannot be done: a sentence for a person unless one was said
 * already, and the code to exit with. `outcome` is said of what nobody foresaw.
 */
export function explainFailure(
  error: unknown,
  outcome = 'Gatehouse could not start',
): { message: string | null; exitCode: number } {
  if (error instanceof DirectUrlError) {
    const { message, exitCode } = explainFailure(error.cause, outcome);
    return { message: message?.replaceAll('DATABASE_URL', 'DATABASE_DIRECT_URL') ?? null, exitCode };
  }
  if (error instanceof Error && MISCONFIGURED.some((kind) => error instanceof kind)) {
    return { message: error.message, exitCode: CONFIG };
  }
  // Said once is enough; the code is passed on.
  if (error instanceof WorkerStartError) return { message: null, exitCode: error.exitCode || SOFTWARE };
  if (error instanceof Error && AWAY.some((kind) => error instanceof kind))
    return { message: error.message, exitCode: UNAVAILABLE };
  if (error instanceof ListenError) return { message: error.message, exitCode: error.exitCode };
  const { code, path, severity } = Object(error) as NodeJS.ErrnoException & { severity?: string };
  const message = (error instanceof Error && error.message) || code || 'the reason was not told';
  if (path && (code === 'EACCES' || code === 'EPERM')) {
    return { message: `${path} belongs to another user. Start as that user, or set DATA_DIR.`, exitCode: CONFIG };
  }
  if (code === READ_ONLY) return { message: new StandbyError().message, exitCode: UNAVAILABLE };
  const refused = connectionRefusal(code, message) ?? databaseRefusal(code, severity) ?? poolerRefusal(message);
  if (refused) return { message: refused, exitCode: CONFIG };
  if (code === TOO_MANY_CONNECTIONS) {
    return {
      message: `The database has no connection left (${message}). Lower DATABASE_POOL, or let the database have more.`,
      exitCode: UNAVAILABLE,
    };
  }
  if (isDatabaseUnavailable(error)) {
    return {
      message: `The database cannot be reached (${message}). Check DATABASE_URL and that Postgres runs.`,
      exitCode: UNAVAILABLE,
    };
  }
  return { message: `${outcome}: ${message}`, exitCode: SOFTWARE };
}

/** What Postgres says when it answers, but not to us. */
function databaseRefusal(code: string | undefined, severity: string | undefined): string | null {
  if (code === '28P01' || code === '28000') return 'The database refuses the user or password in DATABASE_URL.';
  if (code === '3D000') return 'The database named in DATABASE_URL does not exist. Create it, or correct the name.';
  if (code === '42501' && severity === 'FATAL')
    return 'The user in DATABASE_URL may not connect to the database there: run GRANT CONNECT ON DATABASE … TO that user.';
  if (code === '42501')
    return 'The user in DATABASE_URL may not create tables there. Give it the right, or use the owner.';
  return null;
}

/** What PgBouncer says when it answers, but not to us: all of it has the code of a connection that is broken. */
function poolerRefusal(message: string): string | null {
  const parameter = /^unsupported startup parameter(?: in options)?: (.+)$/.exec(message)?.[1];
  if (parameter)
    return `The pooler at DATABASE_URL refuses the parameter ${parameter}. Leave it out of DATABASE_URL, or let the pooler ignore it.`;
  if (/^no such database/.test(message))
    return 'The pooler at DATABASE_URL has no database of that name. Add it to the pooler, or correct the name.';
  if (/^(password|SASL) authentication failed$|^no such user|^auth failed/.test(message))
    return 'The pooler at DATABASE_URL refuses the user or password there.';
  if (/^password authentication failed for user/.test(message))
    return 'Postgres refuses the user or password that the pooler at DATABASE_URL has for it. Correct them in the pooler.';
  return null;
}
