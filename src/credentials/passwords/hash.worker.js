// Plain JavaScript, because a worker thread loads it straight from `src` under Jest and from `dist` when built.
import { workerData } from 'node:worker_threads';
import bcrypt from 'bcrypt';
import { verifyForeign } from './foreign-hashes.js';

/** bcrypt's least cost. */
const CHEAPEST = 4;

// Counted once bcrypt's native part is loaded: a thread that is ended before that takes the whole process with it.
Atomics.add(new Int32Array(workerData.loaded), 0, 1);

/** @param {{ secret: string, cost: number }} job */
export const hash = ({ secret, cost }) => bcrypt.hashSync(secret, cost);

/** @param {{ secret: string, hash: string, cost: number }} job */
export const verify = ({ secret, hash, cost }) => {
  if (bcrypt.compareSync(secret, hash)) return true;
  padToStandardCost(secret, cost, roundsOf(hash));
  return false;
};

/**
 * One job for both, so that what was compared is always answered.
 * @param {{ secret: string, hash: string, cost: number }} job
 */
export const verifyImported = ({ secret, hash, cost }) => {
  const began = performance.now();
  if (verifyForeign(secret, hash)) return true;
  const spent = performance.now() - began;
  if (hash.startsWith('$2')) padToStandardCost(secret, cost, roundsOf(hash));
  else {
    // How many rounds a millisecond is worth is asked of this thread at this moment: a busy machine slows both alike.
    const sample = Math.max(cost - 4, CHEAPEST);
    const before = performance.now();
    bcrypt.hashSync(secret, sample);
    padToStandardCost(secret, cost, 2 ** sample * (1 + spent / (performance.now() - before)));
  }
  return false;
};

/**
 * A wrong guess at a cheaper hash than ours goes on until it has done the work of `cost`: the rounds that are missing, in
 * hashes of ever less cost. Otherwise the time would tell whose hash is older, or came from elsewhere.
 * @param {string} secret
 * @param {number} cost
 * @param {number} done
 */
function padToStandardCost(secret, cost, done) {
  let missing = Math.round((2 ** cost - done) / 2 ** CHEAPEST) * 2 ** CHEAPEST;
  for (let piece = cost; piece >= CHEAPEST; piece--) {
    if (missing < 2 ** piece) continue;
    bcrypt.hashSync(secret, piece);
    missing -= 2 ** piece;
  }
}

/** @param {string} hash */
const roundsOf = (hash) => 2 ** bcrypt.getRounds(hash);
