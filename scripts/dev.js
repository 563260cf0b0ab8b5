import { createServer } from 'vite';
import { startGroup } from './process-group.js';

/**
 * Starts the server and the page for development, both anew on every change: Vite at PORT, which sends everything that is
 * the API's on to the server at the port after it. Settings are those of the server. Compiled by tsc, as the build does it:
 * SWC would leave out the migrations, which stand beside src.
 */
const port = Number(process.env.PORT || 3000);
const page = `http://localhost:${port}`;

process.env.GATEHOUSE_API = `http://localhost:${port + 1}`;
const vite = await createServer({ root: 'web', server: { port } });
try {
  await vite.listen();
} catch (error) {
  process.stderr.write(`\n${/** @type {Error} */ (error).message}\n\n`);
  process.exit(1);
}
const server = startGroup('node_modules/.bin/nest', ['start', '--watch', '--preserveWatchOutput'], {
  PUBLIC_URL: page,
  ...process.env,
  PORT: String(port + 1),
});
process.stdout.write(`\n  The page: ${page}\n\n`);

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => server.stop());
const code = await server.exited;
await Promise.all([server.stop(), vite.close()]);
process.exitCode = Number(code ?? 0);
