// Plain JavaScript, because a worker thread loads it straight from `src` under Jest and from `dist` when built.
import { workerData } from 'node:worker_threads';
import bcrypt from 'bcrypt';
import { verifyForeign } from './foreign-hashes.js';

// Counted once bcrypt's native part is loaded: a thread that is ended before that takes the whole process with it.
Atomics.add(new Int32Array(workerData.loaded), 0, 1);

/** @param {{ secret: string, cost: number }} job */
export const hash = ({ secret, cost }) => bcrypt.hashSync(secret, cost);

/**
 * A wrong guess at a hash of an older cost goes on until it has done the work of `cost`: 2^c + 2^c + 2^(c+1) + … = 2^cost.
 * @param {{ secret: string, hash: string, cost: number }} job
 */
export const verify = ({ secret, hash, cost }) => {
  if (bcrypt.compareSync(secret, hash)) return true;
  for (let older = bcrypt.getRounds(hash); older < cost; older++) bcrypt.hashSync(secret, older);
  return false;
};

/** @param {{ secret: string, hash: string }} job */
export const verifyImported = ({ secret, hash }) => verifyForeign(secret, hash);
