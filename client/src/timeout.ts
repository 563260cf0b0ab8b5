import { failureOf, NetworkError } from './problem.js';

/** Milliseconds for a renewal, over all its attempts: somebody waits for it. */
export const RENEWAL_TIMEOUT = 8_000;

/**
 * Rejects with a NetworkError once the time is up, whether or not the work obeys the signal.
 * Any other failure becomes an error of this package.
 */
export async function withTimeout<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new NetworkError('no answer in time'));
      controller.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([work(controller.signal), expired]);
  } catch (error) {
    throw failureOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Repeats a request whose answer was lost, at growing intervals: five times if the network fails at once, twice if it
 * is silent. No attempt begins after the timeout.
 */
export async function retryWithBackoff<T>(timeout: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = Date.now() + timeout;
  for (let delay = timeout / 32; ; delay *= 2) {
    try {
      return await withTimeout(timeout / 2, send);
    } catch (error) {
      const isLast = delay > timeout / 4 || Date.now() + delay > deadline;
      if (isLast || !(error instanceof NetworkError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}
