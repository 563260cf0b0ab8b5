import { adminNotice } from './banner.js';
import type { WorkerReady } from './cluster.js';
import { createLogger } from './common/logger.js';
import { loadConfig } from './config/config.js';
import { explainFailure } from './failure.js';
import { startServer } from './server.js';

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
