import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isConflict } from '../common/database-errors.js';

const TRIES = 4;
/** Milliseconds before the second try at most; twice as many before each that follows. */
const PAUSE = 20;

/**
 * Runs `work`, and again where the database has undone it for the sake of another: four times in all, after pauses in which
 * there is chance, so that two do not meet again. Throws what the last try throws, and everything else at once: a commit in
 * doubt may have been made.
 */
export async function repeatOnConflict<T>(
  work: () => Promise<T>,
  pause: (ms: number) => Promise<unknown> = wait,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      if (tried === TRIES || !isConflict(error)) throw error;
      await pause(randomInt(1, PAUSE * 2 ** (tried - 1)));
    }
  }
}
