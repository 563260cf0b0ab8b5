import type { WorkerReady } from './app/cluster.js';
import { startServer } from './app/server.js';
import { explainFailure } from './app/startup-errors.js';
import { adminNotice } from './app/startup-warnings.js';
import { loadConfig } from './platform/config/config.js';
import { createLogger } from './platform/observability/logger.js';

/** One of several processes that share the port. The primary has checked the settings and prepared the database. */
try {
  const config = loadConfig(process.env);
  const server = await startServer(config, process.env.GATEHOUSE_WORKER_DATABASE_URL ?? '', await createLogger(config));
  // A terminal's Ctrl-C reaches every process; the primary decides when.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => void server.close().finally(() => process.exit(0)));
  process.on('disconnect', () => void server.close().finally(() => process.exit(0)));
  if (server.firstAdmin) process.stdout.write(`\n${adminNotice(server.firstAdmin)}\n`);
  const message: WorkerReady = { url: server.url };
  process.send?.(message);
} catch (error) {
  const { message, exitCode } = explainFailure(error);
  if (message) process.stderr.write(`\n${message}\n\n`);
  process.exit(exitCode);
}
