import { availableParallelism, loadavg } from 'node:os';

const MOST = 4;

/**
 * How many times longer things may take than on a machine that does nothing else: the processes that want a core, for each
 * core, from 1 to 4. A time limit in a test is there to end what hangs, so it grows by this.
 */
export const LOAD = Math.min(MOST, Math.max(1, (loadavg()[0] ?? 0) / availableParallelism()));
