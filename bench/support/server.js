import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { addressOf } from '../../test/support/server.js';

const DIST = new URL('../../dist/src/', import.meta.url);

/** A Postgres of its own in a temporary folder, taken down and removed by `stop`. */
export async function startPostgres() {
  const { startEmbeddedPostgres } = await import(new URL('platform/database/embedded/embedded-postgres.js', DIST).href);
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), log: () => undefined });
  return {
    url: /** @type {string} */ (postgres.url),
    folder,
    pid: Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]),
    stop: async () => {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A client of a database, which is made where it does not exist.
 * @param {string} serverUrl
 * @param {string} name
 */
export async function openDatabase(serverUrl, name) {
  const server = new pg.Client({ connectionString: serverUrl });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`).catch(() => undefined);
  await server.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return { url: url.href, client };
}

/**
 * Brings a database's schema up to date, as a server would.
 * @param {string} url
 */
export async function migrate(url) {
  await (await import(new URL('platform/database/data-source.js', DIST).href)).migrate(url);
}

/**
 * The built server on a database, with quick hashes so that everything else shows.
 * @param {string} databaseUrl
 * @param {Record<string, string>} [settings]
 */
export async function startServer(databaseUrl, settings = {}) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.js', DIST))], {
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      PORT: '0',
      HOST: '127.0.0.1',
      BCRYPT_COST: '4',
      LOG_LEVEL: 'warn',
      ...SECRET,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(child);
  child.stdout.resume();
  return {
    url,
    pid: Number(child.pid),
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

export const SECRET = { APP_SECRET: 'only-for-measurements-0123456789-abcdefgh', RATE_LIMITS: 'off' };

/**
 * Sends JSON and reads JSON; throws where the answer is no success.
 * @param {string} url
 * @param {{ method?: string, body?: unknown, token?: string }} [options]
 * @returns {Promise<any>} whatever JSON the answer holds
 */
export async function call(url, { method = 'GET', body, token } = {}) {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/**
 * The CPU time that these processes and their children have taken, also those that have ended, in milliseconds. A busy machine
 * does not change it much.
 * @param {number[]} pids
 */
export function cpuOf(pids) {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // After the name in brackets: state, parent, … and as 14th to 17th of all fields the user and system time of the
      // process and of its children that have ended.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (pids.includes(Number(pid)) || pids.includes(Number(fields[1])))
        ticks += Number(fields[11]) + Number(fields[12]);
      if (pids.includes(Number(pid))) ticks += Number(fields[13]) + Number(fields[14]);
    } catch {
      // It has ended since.
    }
  }
  return ticks * 10;
}
