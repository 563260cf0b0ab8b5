import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { addressOf } from '../../test/support/server.js';

/** Clock ticks of /proc/<pid>/stat in a second: 100 on every Linux that Node runs on. */
const TICKS = 100;

/**
 * A server process that is measured.
 * @typedef {{ url: string, pid: number, startMs: number, cpu: () => number, memory: () => number, stop: () => Promise<unknown> }} Process
 */

/**
 * Starts a Node script and waits for its address. On one core only if asked, so that the load comes from another.
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, pinned?: boolean }} [options]
 * @returns {Promise<Process>}
 */
export async function startProcess(args, { env = {}, pinned = true } = {}) {
  const started = performance.now();
  const [command, ...rest] = [...(pinned ? ['taskset', '-c', '0'] : []), process.execPath, ...args];
  const child = spawn(String(command), rest, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await addressOf(child);
  child.stdout.resume();
  const pid = Number(child.pid);
  return {
    url,
    pid,
    startMs: performance.now() - started,
    cpu: () => cpuSeconds(pid),
    memory: () => residentMegabytes(pid),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

/**
 * CPU seconds that a process has used, all its threads together.
 * @param {number} pid
 */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** @param {number} pid */
function residentMegabytes(pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
