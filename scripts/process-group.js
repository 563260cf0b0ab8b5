import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two looks at what is left. */
const LOOK = 50;
/** Milliseconds that all may take to end: the server finishes within 10 s what is in flight. */
const GRACE = 12_000;

/**
 * Starts a program in a process group of its own, so that it can be stopped with everything that it has started, also what
 * it would leave behind itself.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export function startGroup(command, args, env) {
  const leader = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'], env });
  /** @param {NodeJS.Signals | 0} signal */
  const signal = (signal) => {
    try {
      return leader.pid !== undefined && process.kill(-leader.pid, signal);
    } catch {
      return false;
    }
  };
  return {
    /** Resolves with the exit code of the program itself. */
    exited: new Promise((resolve) => {
      leader.once('exit', resolve);
      leader.once('error', () => resolve(1));
    }),
    /** Asks every process of the group to end and waits until none is left; ends by force what takes too long. */
    async stop() {
      const deadline = Date.now() + GRACE;
      signal('SIGTERM');
      while (signal(0) && Date.now() < deadline) await pause(LOOK);
      signal('SIGKILL');
    },
  };
}
