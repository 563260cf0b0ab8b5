import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { banner } from './banner.js';
import { startCluster } from './cluster.js';
import { createLogger } from './common/logger.js';
import { loadConfig, projectRoot } from './config/config.js';
import { migrate } from './database/data-source.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded-postgres.js';
import { explainFailure } from './failure.js';
import { type Server, startServer } from './server.js';

/** Starts Gatehouse: settings, database, schema, server; and takes it down in the opposite order. */
async function main(): Promise<void> {
  const envFile = join(projectRoot(), '.env');
  // The servers under test are told everything by their tests.
  if (process.env.NODE_ENV !== 'test' && existsSync(envFile)) process.loadEnvFile(envFile);
  const config = loadConfig(process.env);
  const logger = createLogger(config);
  let postgres: EmbeddedPostgres | undefined;
  let server: Server | undefined;
  let stopping = false;

  async function stop(signal?: string): Promise<void> {
    if (stopping) return;
    stopping = true;
    if (signal) logger.info(`${signal}: finishing what is in flight, then stopping`);
    await server?.close();
    await postgres?.stop();
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void stop(signal).then(() => process.exit(0), fail));
  }

  try {
    if (!config.databaseUrl)
      postgres = await startEmbeddedPostgres({
        dataDir: join(config.dataDir, 'postgres'),
        log: (line) => logger.info(line),
      });
    const databaseUrl = config.databaseUrl ?? postgres?.url ?? '';
    const applied = await migrate(databaseUrl);
    if (applied.length > 0) logger.info({ migrations: applied }, 'The database schema is up to date');
    server =
      config.workers > 1
        ? await startCluster(config, databaseUrl, logger)
        : await startServer(config, databaseUrl, logger);
    if (!stopping) process.stdout.write(`${banner({ ...server, warnings: warningsOf(config) })}\n`);
  } catch (error) {
    await stop().catch(() => undefined);
    fail(error);
  }
}

function warningsOf({ production, databaseUrl, publicUrl }: ReturnType<typeof loadConfig>): string[] {
  const warnings: string[] = [];
  if (production && !databaseUrl)
    warnings.push('DATABASE_URL is not set: the embedded Postgres serves a single machine.');
  if (production && !publicUrl.startsWith('https:'))
    warnings.push('PUBLIC_URL is not https: tokens must not travel in the clear.');
  return warnings;
}

function fail(error: unknown): void {
  const { message, exitCode } = explainFailure(error);
  if (message) process.stderr.write(`\n${message}\n\n`);
  process.exit(exitCode);
}

if (cluster.isPrimary) await main().catch(fail);
else await import('./worker.js');
