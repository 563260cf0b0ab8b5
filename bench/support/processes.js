import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

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
  let output = '';
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /serves on (http:\S+)/.exec(output);
      if (found) resolve(found[1]);
    });
    child.once('exit', (code) => reject(new Error(`${args.at(-1)} ended with ${code}: ${output}`)));
    child.once('error', reject);
  });
  const pid = Number(child.pid);
  return {
    url: String(url),
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
