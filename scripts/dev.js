import { spawn } from 'node:child_process';
import { createServer } from 'vite';

/**
 * Starts the server and the page for development, both anew on every change: Vite at PORT, which sends everything that is
 * the API's on to the server at the port after it. Settings are those of the server.
 */
const port = Number(process.env.PORT ?? 3000);
const page = `http://localhost:${port}`;
const api = `http://localhost:${port + 1}`;

const server = spawn('node_modules/.bin/nest', ['start', '--watch', '-b', 'swc'], {
  stdio: 'inherit',
  env: { PUBLIC_URL: page, ...process.env, PORT: String(port + 1) },
});
process.env.GATEHOUSE_API = api;
const vite = await createServer({ root: 'web', server: { port } });
await vite.listen();
process.stdout.write(`\n  The page: ${page}\n\n`);

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => server.kill('SIGTERM'));
server.once('exit', async (code) => {
  await vite.close();
  process.exitCode = code ?? 0;
});
