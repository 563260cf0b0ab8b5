import { handOverAuditLog } from '../audit/log-owner.js';
import type { Config } from '../platform/config/config.js';
import { migrate } from '../platform/database/data-source.js';
import { DirectUrlError } from './direct-url-error.js';
import { areTwoDatabases, TwoDatabasesError } from './two-databases.js';

/** Where a deployment keeps its data. */
interface Place {
  databaseUrl: string;
  /** The superuser's, in the embedded Postgres: the audit log is given to a role of its own there. */
  superuserUrl: string | undefined;
  /** Told what a person should look into. */
  warn?: (sentence: string) => void;
}

/**
 * Brings the schema up to date, past any pooler. Returns what was applied. Throws what `migrate` does; DirectUrlError for
 * what failed at DATABASE_DIRECT_URL, and TwoDatabasesError before another database is touched.
 */
export async function updateSchema(
  { databaseDirectUrl }: Pick<Config, 'databaseDirectUrl'>,
  { databaseUrl, superuserUrl, warn }: Place,
): Promise<string[]> {
  if (superuserUrl !== undefined) {
    const applied = await migrate(databaseUrl);
    const kept = await handOverAuditLog({ url: databaseUrl, superuserUrl });
    if (kept !== null) warn?.(kept);
    return applied;
  }
  if (databaseDirectUrl === undefined) return migrate(databaseUrl);
  if (await areTwoDatabases(databaseUrl, databaseDirectUrl)) throw new TwoDatabasesError();
  return migrate(databaseDirectUrl).catch((error) => {
    throw new DirectUrlError(error);
  });
}
