import type { Config } from '../platform/config/config.js';
import { migrate } from '../platform/database/data-source.js';
import { areTwoDatabases, TwoDatabasesError } from '../platform/database/two-databases.js';
import { DirectUrlError } from './direct-url-error.js';

/** Where a deployment keeps its data. */
interface Place {
  databaseUrl: string;
  /** For migrations of the embedded Postgres, whose role of every day may not do so much. */
  migrationUrl: string | undefined;
}

/**
 * Brings the schema up to date, past any pooler. Returns what was applied. Throws what `migrate` does; DirectUrlError for
 * what failed at DATABASE_DIRECT_URL, and TwoDatabasesError before another database is touched.
 */
export async function updateSchema(
  { databaseDirectUrl }: Pick<Config, 'databaseDirectUrl'>,
  { databaseUrl, migrationUrl }: Place,
): Promise<string[]> {
  if (databaseDirectUrl === undefined) return migrate(migrationUrl ?? databaseUrl);
  if (await areTwoDatabases(databaseUrl, databaseDirectUrl)) throw new TwoDatabasesError();
  return migrate(databaseDirectUrl).catch((error) => {
    throw new DirectUrlError(error);
  });
}
