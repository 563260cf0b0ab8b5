import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressOf } from '../../test/support/server.js';
import { startPostgres } from './server.js';

const MAIN = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/**
 * Asked by a signal, the server collects its garbage and tells how much is left in the heap and beside it (buffers), how much
 * memory the process has in all, and how long a turn of its event loop took at p99 since it was asked last.
 */
const TELLS_ITS_FIGURES = `
  import { monitorEventLoopDelay } from 'node:perf_hooks';
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  process.on('SIGUSR2', () => {
    const loopDelay = delay.percentile(99) / 1e6;
    gc(); gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    const [heap, buffers, resident] = [heapUsed, external, rss].map((bytes) => bytes / 2 ** 20);
    process.stdout.write('figures ' + JSON.stringify({ heap, buffers, resident, loopDelay }) + '\\n');
    delay.reset();
  })`;

/** A client address that nobody else has. */
export const anyAddress = () => `10.${[...randomBytes(3)].join('.')}`;

/** @param {string} url */
function givenPostgres(url) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  return { url, folder, stop: async () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Starts the built server on a database that is thrown away, unless DATABASE_URL names one. Prints what it says if it ends
 * early.
 * @param {Record<string, string>} env
 */
export async function startGatehouse(env = {}) {
  const postgres = process.env.DATABASE_URL ? givenPostgres(process.env.DATABASE_URL) : await startPostgres();
  const { PATH, HOME } = process.env;
  const server = spawn(
    process.execPath,
    // With the heap that `npm start` gives it.
    [
      '--max-semi-space-size=32',
      '--expose-gc',
      '--import',
      `data:text/javascript,${encodeURIComponent(TELLS_ITS_FIGURES)}`,
      MAIN,
    ],
    {
      env: {
        PATH,
        HOME,
        DATA_DIR: postgres.folder,
        DATABASE_URL: postgres.url,
        PORT: '0',
        HOST: '127.0.0.1',
        LOG_LEVEL: 'warn',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.stderr.on('data', (chunk) => process.stderr.write(chunk));
  const url = await addressOf(server);
  // What it says from here on is read and forgotten.
  server.stdout.resume();
  return {
    url,
    databaseUrl: postgres.url,
    /** What is left after a collection, MB; and a turn of the event loop at p99 since the last call, ms. */
    async figures() {
      const told = new Promise((resolve) => {
        const listen = (/** @type {Buffer} */ chunk) => {
          const figures = /^figures (.+)$/m.exec(String(chunk))?.[1];
          if (!figures) return;
          server.stdout.off('data', listen);
          resolve(JSON.parse(figures));
        };
        server.stdout.on('data', listen);
      });
      server.kill('SIGUSR2');
      return /** @type {Promise<{ heap: number, buffers: number, resident: number, loopDelay: number }>} */ (told);
    },
    async stop() {
      server.kill('SIGTERM');
      await ended;
      await postgres.stop();
    },
  };
}
