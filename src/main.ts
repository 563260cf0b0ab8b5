import cluster from 'node:cluster';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { startCluster } from './app/cluster.js';
import type { Server } from './app/server.js';
import { explainFailure } from './app/startup-errors.js';
import { banner, warningsOf } from './app/startup-warnings.js';
import type { Config } from './platform/config/config.js';
import { undeclaredProduction } from './platform/config/exposure.js';
import { readSettings } from './platform/config/settings.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './platform/database/embedded/embedded-postgres.js';
import { outliveLogReader } from './platform/observability/log-reader.js';
import { createLogger } from './platform/observability/logger.js';

/** Milliseconds for which a stop waits for a start that is under way. */
const STOP_TIMEOUT = 10_000;

/** Milliseconds within which another signal is the first once more: npm passes on what the whole group of processes was sent. */
const SAME_SIGNAL = 1_000;

/** Connections of the embedded Postgres beside those of the server: its link, its presence, migrations, commands, a person at psql. */
const SPARE_CONNECTIONS = 50;

/** Starts Gatehouse: settings, database, schema, server; and takes it down in the opposite order. */
async function main(): Promise<void> {
  outliveLogReader();
  const { config, notes } = readSettings({ source: process.env });
  const undeclared = undeclaredProduction(config);
  if (undeclared) process.stdout.write(`${undeclared}\n`);
  const logger = await createLogger(config);
  const running: Running = {};
  const starting = start(config, notes, logger, running);
  let stopping: Promise<void> | undefined;
  const hurry = new AbortController();
  // One stop for every signal. A second one, that somebody sent later, ends the delay.
  const stop = () => (stopping ??= takeDown(starting, running, { delay: config.shutdownDelay, hurry: hurry.signal }));
  let toldAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!stopping) {
        toldAt = performance.now();
        logger.info(stopNotice(signal, config));
      } else if (performance.now() - toldAt > SAME_SIGNAL) hurry.abort();
      stop().then(() => process.exit(0), fail);
    });
  }
  try {
    await starting;
  } catch (error) {
    await stop().catch(() => undefined);
    fail(error);
  }
}

/** What has been started so far. */
interface Running {
  postgres?: EmbeddedPostgres;
  server?: Server;
}

async function start(config: Config, notes: string[], logger: Logger, running: Running): Promise<void> {
  if (!config.databaseUrl) {
    const log = (line: string) => logger.info(line);
    const dataDir = join(config.dataDir, 'postgres');
    running.postgres = await startEmbeddedPostgres({
      dataDir,
      log,
      restartOnCrash: true,
      connections: connectionsOf(config),
    });
  }
  const databaseUrl = config.databaseUrl ?? running.postgres?.url ?? '';
  const { updateSchema } = await import('./app/update-schema.js');
  const warn = (sentence: string) => logger.warn(sentence);
  const applied = await updateSchema(config, { databaseUrl, superuserUrl: running.postgres?.superuserUrl, warn });
  if (applied.length > 0) logger.info({ migrations: applied }, 'The database schema is up to date');
  running.server = await serve(config, databaseUrl, logger);
  process.stdout.write(`${banner({ ...running.server, warnings: [...notes, ...warningsOf(config)] })}\n`);
}

/** Connections of all workers at most: each has its pool. */
function connectionsOf({ workers, databasePool }: Config): number {
  return workers * databasePool + SPARE_CONNECTIONS;
}

/** The application is loaded where it runs: a process that leads workers needs none, nor one that refuses its settings. */
async function serve(config: Config, databaseUrl: string, logger: Logger): Promise<Server> {
  if (config.workers > 1) return startCluster(config, databaseUrl, logger);
  const { startServer } = await import('./app/server.js');
  return startServer(config, databaseUrl, logger);
}

/** For how many milliseconds a stop says "not ready" first, and what cuts that short. */
interface Drain {
  delay: number;
  hurry: AbortSignal;
}

function stopNotice(signal: string, { shutdownDelay }: Config): string {
  const first = shutdownDelay > 0 ? `saying that this instance is not ready for ${shutdownDelay / 1_000} s, then ` : '';
  return `${signal}: ${first}finishing what is in flight, then stopping`;
}

/**
 * The database last: whatever is in flight may need it. A start under way is let come to its end first, but no longer than
 * requests are: it may wait for the lock of another instance that migrates.
 */
async function takeDown(starting: Promise<void>, running: Running, { delay, hurry }: Drain): Promise<void> {
  await Promise.race([starting.catch(() => undefined), wait(STOP_TIMEOUT, undefined, { ref: false })]);
  running.server?.drain();
  // Rejects where it is cut short.
  if (running.server) await wait(delay, undefined, { signal: hurry }).catch(() => undefined);
  await running.server?.close();
  await running.postgres?.stop();
}

function fail(error: unknown): void {
  const { message, exitCode } = explainFailure(error);
  if (message) process.stderr.write(`\n${message}\n\n`);
  process.exit(exitCode);
}

if (cluster.isPrimary) await main().catch(fail);
else await import('./worker.js');
