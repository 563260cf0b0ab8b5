import { setTimeout as wait } from 'node:timers/promises';

/** Milliseconds that what is hidden may take: many times what it takes on a healthy database. */
const FLOOR = 100;

/**
 * Runs work whose length would tell a secret, such as whether an address has an account, and answers no sooner than a
 * fixed time after it began, also where it throws.
 */
export async function inConstantTime<T>(work: () => Promise<T>): Promise<T> {
  const [outcome] = await Promise.allSettled([work(), wait(FLOOR)]);
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
