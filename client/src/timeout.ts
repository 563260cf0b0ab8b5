import { failureOf, NetworkError } from './problem.js';

/** Milliseconds for a renewal, over all its tries: below the 10 s in which a server gives the same answer again. */
export const PATIENCE = 8_000;

/** Work that is given up when its time is over, whether it listens to the signal or not. Throws a NetworkError then. */
export async function inTime<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new NetworkError('no answer in time'));
      patience.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([work(patience.signal), over]);
  } catch (error) {
    throw failureOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks again where an answer was lost, at ever longer intervals: five times where the network fails at once, twice where
 * it is silent. No try begins after the patience has ended.
 */
export async function insist<T>(patience: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const end = Date.now() + patience;
  for (let pause = patience / 32; ; pause *= 2) {
    try {
      return await inTime(patience / 2, ask);
    } catch (error) {
      const isLast = pause > patience / 4 || Date.now() + pause > end;
      if (isLast || !(error instanceof NetworkError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
