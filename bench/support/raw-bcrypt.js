import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import bcrypt from 'bcrypt';

/**
 * How many passwords a second bcrypt alone checks on every core.
 * @param {number} cost
 * @param {number} seconds
 */
export async function rawBcryptPerSecond(cost, seconds) {
  const counts = Array.from({ length: availableParallelism() }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { cost, seconds } });
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + Number(count), 0) / seconds;
}

if (!isMainThread) {
  const { cost, seconds } = workerData;
  const hash = bcrypt.hashSync('a password', cost);
  const end = performance.now() + seconds * 1000;
  let count = 0;
  for (; performance.now() < end; count++) bcrypt.compareSync('a password', hash);
  parentPort?.postMessage(count);
}
