import { fileURLToPath } from 'node:url';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { DRIVER } from './deadline-pool.js';
import { closeSearchPaths } from './function-paths.js';
import { prepareSchema } from './make-schema.js';
import { PooledClient } from './pooled-client.js';
import type { Pooling } from './pooler.js';
import { runMigrations } from './run-migrations.js';
import { searchPath, searchPathOption } from './schema.js';
import { liftLimits, START_TRANSACTION, sessionArguments } from './session-settings.js';
import { withClient } from './short-client.js';
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
 * The options of a connection to our database. The entities are given by the modules that own them. Names are looked up in
 * `schema`, or where the role looks them up. Behind a pooler the limit of a statement is ours alone, and what the role of
 * the database has for one; and so is where names are looked up.
 */
export function dataSourceOptions(
  url: string,
  { pool, timeout }: Limits,
  pooling = UNKNOWN,
  schema?: string,
): DataSourceOptions {
  return {
    type: 'postgres',
    driver: DRIVER,
    url: withoutOptions(url),
    ...(schema !== undefined && { schema }),
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
      ...toSession(url, { pooled: pooling.pooled, timeout, schema }),
      keepAlive: true,
      // A server that restarts must not find us with connections to its former self.
      maxLifetimeSeconds: 3600,
    },
  };
}

/** Milliseconds until a connection is given up. A statement may take as long as it likes. */
const CONNECT = { connectionTimeoutMillis: 10_000, keepAlive: true };
const CONNECT_TYPEORM = { connectTimeoutMS: CONNECT.connectionTimeoutMillis };
/** What is said of a session: when it starts, or where a pooler refuses that, as far as possible with each transaction. */
function toSession(
  url: string,
  { pooled, timeout, schema }: { pooled: boolean; timeout: number; schema?: string | undefined },
) {
  const own = optionsOf(url);
  if (pooled) return { startTransaction: START_TRANSACTION, ...(own !== null && { options: own }) };
  return {
    statement_timeout: timeout,
    options: [own, sessionArguments(), schema && searchPathOption(schema)].filter(Boolean).join(' '),
  };
}

/** What a URL says to the server when a connection starts. pg would let it replace what we say. */
function optionsOf(url: string): string | null {
  return new URLSearchParams(url.split('?')[1]).get('options');
}

/** A URL that leads to a socket has no host, and so is none to Node. */
function withoutOptions(url: string): string {
  const [address = '', query] = url.split('?');
  const rest = new URLSearchParams(query);
  rest.delete('options');
  return rest.size > 0 ? `${address}?${rest}` : address;
}

/** Any number: it only must be the same for every instance. */
const MIGRATION_LOCK = 4_711_001;

/**
 * Brings the schema up to date, and its functions. Instances that start together take turns, so each migration runs once.
 * Returns the names of the migrations and functions that were applied. Throws MigrationBlockedError where others hold what
 * it needs, SchemaError where there is no schema for our tables, and the driver's error when the database cannot be reached.
 */
export async function migrate(url: string): Promise<string[]> {
  const lock = new PooledClient({ connectionString: url, application_name: APPLICATION_NAME, ...CONNECT });
  await lock.connect();
  try {
    // Held by a transaction: behind a pooler a session's lock could be left on a connection of somebody else.
    await lock.query('BEGIN');
    // An instance may wait for another that migrates.
    await liftLimits(lock);
    await lock.query('SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    return await migrateIn(url, await withClient(url, prepareSchema));
  } finally {
    await lock.query('ROLLBACK').catch(() => undefined);
    await lock.end().catch(() => undefined);
  }
}

async function migrateIn(url: string, schema: string): Promise<string[]> {
  const options = dataSourceOptions(url, { pool: 2, timeout: 0 }, UNKNOWN, schema);
  const source = new DataSource({ ...options, ...CONNECT_TYPEORM } as DataSourceOptions);
  await source.initialize();
  try {
    const path = searchPath(schema);
    // Before the migrations too, whose statements fire triggers: the tables may have been moved here since the last start.
    await closeSearchPaths(source, schema);
    const applied = await runMigrations(source, { path });
    const functions = await applyFunctions(source, await readFunctions(schema), { path });
    await closeSearchPaths(source, schema);
    return [...applied, ...functions];
  } finally {
    await source.destroy();
  }
}
