import { setTimeout as delay } from 'node:timers/promises';

const POLL = 10;

/**
 * Tries `check` until it neither throws nor returns false, and returns what it gave.
 * Throws the last failure once `within` milliseconds have passed: long enough for a machine that is busy.
 */
export async function eventually<T>(check: () => T | Promise<T>, within = 20_000): Promise<Exclude<T, false>> {
  const deadline = performance.now() + within;
  for (;;) {
    let failure: unknown = new Error(`Not so within ${within} ms`);
    try {
      const value = await check();
      if (value !== false) return value as Exclude<T, false>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw failure;
    await delay(POLL);
  }
}
