import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { complaint } from './embedded-postgres-error.js';
import { notRunnable, type PostgresAccount } from './postgres-account.js';

/** A live Postgres on our data folder, as its `postmaster.pid` tells. */
export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

const POLL_MS = 20;
const LOG_LIMIT_BYTES = 1024 * 1024;
/** An empty lock file is one being written; one this old was left by a power loss. */
const UNWRITTEN_LOCK_MS = 5_000;
/** Connections that a server takes at least. */
const LEAST_CONNECTIONS = 200;
/** Another start won the folder, the last server's processes are still leaving, or another program took our port. */
const WORTH_ANOTHER_TRY =
  /lock file .* (already exists|is empty)|pre-existing shared memory block|could not create any TCP\/IP sockets/;

/** On the command line, so that they hold for old data folders too. What durability needs keeps its default (on). */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  log_line_prefix: '%m [%p] ',
  // Errors belong to the app, which logs them without values; here they would name people and fill the disk.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
};

/** Reads `postmaster.pid` and believes it only if that process is a postgres on this very folder. */
export async function findPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const lines = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').then(
    (text) => text.split('\n'),
    () => [],
  );
  const pid = Number(lines[0]);
  if (!(pid > 0) || !(await isPostmaster(pid, dataDir))) return undefined;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/** Whether the process is a live server of this folder: not gone, not a zombie, not a stranger with a reused number. */
export async function isPostmaster(pid: number, dataDir: string): Promise<boolean> {
  if (existsSync('/proc/self/cmdline')) {
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return args.includes(`\0-D\0${dataDir}\0`);
  }
  const args = await new Promise<string>((resolve) => {
    execFile('ps', ['-ww', '-o', 'command=', '-p', String(pid)], (_error, stdout) => resolve(stdout));
  });
  return args.includes(` -D ${dataDir} `);
}

/**
 * Postgres clears a dead server's lock by itself, but not one whose process number lives on in another process, as it
 * does after a restart in a container. Not touched: the lock of a number nobody has (Postgres looks closer then).
 */
export async function removeStaleLock(dataDir: string): Promise<void> {
  const path = join(dataDir, 'postmaster.pid');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number(text.split('\n', 1)[0]);
  const stale =
    pid > 0 ? isTaken(pid) && !(await isPostmaster(pid, dataDir)) : await isOlderThan(path, UNWRITTEN_LOCK_MS);
  // Compared and removed without yielding: another start may have put a good lock there meanwhile.
  if (stale && existsSync(path) && readFileSync(path, 'utf8') === text) rmSync(path);
}

/**
 * Starts a server and resolves when one is ready, or when this one lost a race and another look is due (the reason is
 * returned). It leads a session of its own, so Ctrl-C at the terminal passes it by and the app can stop it last.
 */
export async function launchPostmaster(
  dataDir: string,
  program: string,
  account: PostgresAccount,
  deadline: AbortSignal,
  { port, connections = 0 }: { port?: number; connections?: number },
): Promise<string | undefined> {
  const logFile = `${dataDir}.log`;
  const log = await open(logFile, 'a', 0o600);
  try {
    await account.give(logFile);
    if ((await log.stat()).size > LOG_LIMIT_BYTES) await log.truncate();
    const { size } = await log.stat();
    const max_connections = String(Math.max(LEAST_CONNECTIONS, connections));
    const options = Object.entries({ ...SETTINGS, max_connections }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const args = ['-D', dataDir, '-p', String(port ?? (await freePort())), ...options];
    const child = account.spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
    await once(child, 'spawn').catch((error: Error) => Promise.reject(notRunnable(program, error)));
    child.unref();
    if (await settles(child, dataDir, deadline)) return undefined;
    const reason = await exitReason(logFile, size, child.pid);
    if (WORTH_ANOTHER_TRY.test(reason)) return reason;
    throw complaint(dataDir, reason, logFile);
  } finally {
    await log.close();
  }
}

/** True once a server is ready (it may be another, faster one) or time is up; false when this one has ended. */
async function settles(child: ChildProcess, dataDir: string, deadline: AbortSignal): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (deadline.aborted || (await findPostmaster(dataDir))?.ready) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** The reason the given process wrote into the log as it gave up, or the last line there is. */
async function exitReason(logFile: string, from: number, pid: number | undefined): Promise<string> {
  const added = (await readFile(logFile)).subarray(from).toString();
  const lines = added.trim().split('\n');
  const fatal = lines.filter((line) => line.includes(`[${pid}] FATAL:`) || line.includes(`[${pid}] PANIC:`)).pop();
  return (fatal ?? lines.pop())?.replace(/^.*\] [A-Z]+:\s*/, '') || 'nothing, and stopped';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isOlderThan(path: string, milliseconds: number): Promise<boolean> {
  return Date.now() - (await stat(path)).mtimeMs > milliseconds;
}
