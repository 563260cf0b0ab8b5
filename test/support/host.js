import { createServer } from 'node:http';

/** The built code, which need not be there for this file to be checked. */
const built = (/** @type {string} */ path) => import(new URL(`../../dist/src/${path}`, import.meta.url).href);
const [{ loadConfig }, { createLogger }, { migrate }, { startServer }] = await Promise.all(
  [
    'platform/config/config.js',
    'platform/observability/logger.js',
    'platform/database/data-source.js',
    'app/server.js',
  ].map(built),
);

/**
 * A process in which the built server runs many times over, each time with settings of its own, as main.ts starts it
 * once. To load the application takes a processor five times as long as to start it, and here it is loaded for a whole
 * run. A POST of its settings starts one, a DELETE of its port stops it.
 */
const running = new Map();

/** What nobody reads: a test of the log has a process of its own. */
const nowhere = { write: () => undefined };

async function start(/** @type {NodeJS.ProcessEnv} */ env) {
  const config = loadConfig(env);
  const databaseUrl = config.databaseUrl ?? '';
  await migrate(databaseUrl);
  const server = await startServer(config, databaseUrl, await createLogger(config, nowhere));
  const { port } = new URL(server.url);
  running.set(`/${port}`, server);
  return { url: server.url, path: `/${port}` };
}

async function stop(/** @type {string} */ path) {
  await running.get(path)?.close();
  running.delete(path);
  return {};
}

const host = createServer(async (request, response) => {
  try {
    const body = Buffer.concat(await request.toArray()).toString();
    const answer = request.method === 'POST' ? await start(JSON.parse(body)) : await stop(request.url ?? '');
    response.end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(500).end(error instanceof Error ? error.stack : String(error));
  }
});

host.listen(0, '127.0.0.1', () => process.send?.(host.address()));
process.on('disconnect', () => process.exit(0));
