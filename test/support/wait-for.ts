import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { LOAD } from './load.js';

const POLL = 10;

interface Options<T> {
  /** What the answer must be; without, anything but false. */
  until?: (answer: T) => boolean;
  /** Milliseconds, shorter than a test may take. */
  within?: number;
}

/**
 * Asks again until the answer is as wanted, and returns it. Throws once the time is over: what `ask` threw last, or an
 * error that shows its last answer.
 */
export async function waitFor<T>(
  ask: () => T | Promise<T>,
  { until = (answer) => (answer as unknown) !== false, within = 15_000 * LOAD }: Options<T> = {},
): Promise<Exclude<T, false>> {
  const deadline = performance.now() + within;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await ask();
      if (until(answer)) return answer as Exclude<T, false>;
      failure = new Error(`Not so within ${within} ms; last: ${inspect(answer)}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw failure;
    await delay(POLL);
  }
}
