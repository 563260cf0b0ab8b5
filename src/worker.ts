import type { WorkerOrder, WorkerReady } from './app/cluster.js';
import { type Server, startServer } from './app/server.js';
import { explainFailure } from './app/startup-errors.js';
import { adminNotice } from './app/startup-warnings.js';
import { loadConfig } from './platform/config/config.js';
import { outliveLogReader } from './platform/observability/log-reader.js';
import { createLogger } from './platform/observability/logger.js';

let server: Server | undefined;

/** One that has not started yet has nothing to finish. */
function stop(): void {
  if (server) void server.close().finally(() => process.exit(0));
  else process.exit(0);
}

outliveLogReader();

// A terminal's Ctrl-C reaches every process, and so does a service manager's SIGTERM; the primary decides when.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
process.on('disconnect', stop);
process.on('message', (order: WorkerOrder) => {
  if (order === 'drain') server?.drain();
  else if (order === 'stop') stop();
});

/** One of several processes that share the port. The primary has checked the settings and prepared the database. */
try {
  const config = loadConfig(process.env);
  server = await startServer(config, process.env.GATEHOUSE_WORKER_DATABASE_URL ?? '', await createLogger(config));
  if (server.firstAdmin) process.stdout.write(`\n${adminNotice(server.firstAdmin)}\n`);
  const message: WorkerReady = { url: server.url };
  process.send?.(message);
} catch (error) {
  const { message, exitCode } = explainFailure(error);
  if (message) process.stderr.write(`\n${message}\n\n`);
  process.exit(exitCode);
}
