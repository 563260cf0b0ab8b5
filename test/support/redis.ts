import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

/** A Redis server of its own for one test file. */
export interface TestRedis {
  url: string;
  /** Stops the server as a crash would; `start` brings it back, empty, on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  drop(): Promise<void>;
}

/** Whether this machine has a redis-server. npm has no package that ships one; .ci/run installs Debian's. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** Starts a redis-server that keeps nothing. */
export async function createRedis(): Promise<TestRedis> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  let stop = async () => {};
  const start = async () => {
    const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    stop = async () => {
      server.kill('SIGKILL');
      await ended;
    };
    let output = '';
    await new Promise<void>((resolve, reject) => {
      server.stdout.on('data', (chunk) => {
        output += chunk;
        if (/Ready to accept connections/.test(output)) resolve();
      });
      void ended.then(() => reject(new Error(`redis-server ended:\n${output}`)));
    });
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: () => stop(),
    start,
    drop: async () => {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
