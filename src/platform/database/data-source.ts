import { fileURLToPath } from 'node:url';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { PooledClient } from './pooled-client.js';
import type { Pooling } from './pooler.js';
import { runMigrations } from './run-migrations.js';
import { applyFunctions, readFunctions } from './sql-functions.js';
import { StatementNames } from './statement-names.js';

/** What sets a connection apart in pg_stat_activity, and the launcher of the embedded Postgres looks for. */
const APPLICATION_NAME = 'gatehouse';

interface Limits {
  /** Connections at most. */
  pool: number;
  /** Milliseconds until a connection or an answer is given up; 0 waits for ever. */
  timeout: number;
}

/** What is right behind every pooler and before none. */
const UNKNOWN: Pooling = { pooled: true, namedStatements: false };

/**
 * The options of a connection to our database. The entities are given by the modules that own them. Behind a pooler the
 * limit of a statement is ours alone, and what the role of the database has for one.
 */
export function dataSourceOptions(url: string, { pool, timeout }: Limits, pooling = UNKNOWN): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: APPLICATION_NAME,
    poolSize: pool,
    connectTimeoutMS: timeout,
    synchronize: false,
    migrationsRun: false,
    migrations: [fileURLToPath(new URL('../../../migrations/*.{js,ts}', import.meta.url))],
    migrationsTableName: 'migrations',
    extra: {
      Client: PooledClient,
      statementNames: new StatementNames(pooling.namedStatements),
      query_timeout: timeout,
      ...(!pooling.pooled && { statement_timeout: timeout }),
      keepAlive: true,
      // A server that restarts must not find us with connections to its former self.
      maxLifetimeSeconds: 3600,
    },
  };
}

/** Any number: it only must be the same for every instance. */
const MIGRATION_LOCK = 4_711_001;

/**
 * Brings the schema up to date, and its functions. Instances that start together take turns, so each migration runs once.
 * Returns the names of the migrations and functions that were applied. Throws
 * MigrationBlockedError where others hold what it needs, and the driver's error when the database cannot be reached.
 */
export async function migrate(url: string): Promise<string[]> {
  const source = new DataSource({
    ...dataSourceOptions(url, { pool: 2, timeout: 0 }),
    connectTimeoutMS: 10_000,
  } as DataSourceOptions);
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    // Held by a transaction: behind a pooler a session's lock could be left on a connection of somebody else.
    await lock.startTransaction();
    await lock.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    await lock.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    const applied = await runMigrations(source);
    const functions = await applyFunctions(source, await readFunctions());
    return [...applied, ...functions];
  } finally {
    await lock.rollbackTransaction().catch(() => undefined);
    await lock.release();
    await source.destroy();
  }
}
