import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

/** A PgBouncer before one database of the run. */
export interface TestPooler {
  /** The URL that leads through it. */
  url: string;
  /** Stops it as a crash would. */
  stop(): Promise<void>;
}

/** Debian has it where a user's PATH does not lead. */
const PATH = `${process.env.PATH}:/usr/sbin`;

const version = spawnSync('pgbouncer', ['--version'], { env: { PATH }, encoding: 'utf8' });

/** Whether this machine has a pgbouncer. npm has no package that ships one; .ci/run installs Debian's. */
export const hasPgBouncer = version.status === 0;

/** Whether it carries named statements in transaction mode as it comes: since 1.24 it does. */
export const carriesNames = /^PgBouncer (?:[2-9]|1\.(?:2[4-9]|[3-9]\d))/.test(version.stdout ?? '');

/** It refuses to run as root. */
const ACCOUNT = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];

/** Starts a PgBouncer as it comes: `settings` are all that is said beside where it listens and whom it lets in. */
export async function startPgBouncer(databaseUrl: string, settings: Record<string, string>): Promise<TestPooler> {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-pgbouncer-'));
  chmodSync(dir, 0o755);
  const file = join(dir, 'pgbouncer.ini');
  const server = new URL(databaseUrl);
  const port = await freePort();
  const lines = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    // No socket in /tmp beside the one of the port.
    unix_socket_dir: '',
    // Every client is the user below: the account of the run is made up, and its password is in no file.
    auth_type: 'any',
    ...settings,
  };
  const database = `* = host=${server.hostname} port=${server.port || 5432} user=${server.username} password='${decodeURIComponent(server.password)}'`;
  const config = Object.entries(lines).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(file, ['[databases]', database, '[pgbouncer]', ...config, ''].join('\n'));
  const child = spawn('pgbouncer', [...ACCOUNT, file], { env: { PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      output += chunk;
      if (/process up/.test(output)) resolve();
    });
    void exited.then(() => reject(new Error(`pgbouncer ended:\n${output}`)));
  });
  server.host = `127.0.0.1:${port}`;
  return {
    url: server.href,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
