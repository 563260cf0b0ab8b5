import autocannon from 'autocannon';
import { median } from './statistics.js';

/** @typedef {import('./processes.js').Process} Process */
/** @typedef {{ path: string, headers?: Record<string, string> }} Request */

const ROUNDS = 5;
const SECONDS = 3;

/**
 * Compares two servers by requests per CPU second of the server, in turns, so that whatever else the machine does meets
 * both alike. Returns the medians. Throws when an answer is not 2xx: a refused request is quick and proves nothing.
 * @param {Process} ours
 * @param {Process} limit
 * @param {Request} request
 */
export async function compare(ours, limit, request) {
  /** @type {number[]} */
  const first = [];
  /** @type {number[]} */
  const second = [];
  for (const server of [ours, limit]) await perCpuSecond(server, request);
  for (let round = 0; round < ROUNDS; round++) {
    first.push(await perCpuSecond(ours, request));
    second.push(await perCpuSecond(limit, request));
  }
  return {
    ours: median(first),
    limit: median(second),
    ratio: median(first.map((value, i) => value / Number(second[i]))),
  };
}

/**
 * @param {Process} server
 * @param {Request} request
 */
async function perCpuSecond(server, { path, headers = {} }) {
  const before = server.cpu();
  const result = await autocannon({ url: server.url + path, headers, connections: 32, duration: SECONDS });
  const used = server.cpu() - before;
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} failed`);
  return result['2xx'] / used;
}

/**
 * How many times a task was done in `seconds`, by `parallel` workers at once.
 * @param {number} seconds
 * @param {number} parallel
 * @param {(worker: number) => Promise<unknown>} task
 */
export async function perSecond(seconds, parallel, task) {
  const started = performance.now();
  const end = started + seconds * 1000;
  let done = 0;
  const work = async (/** @type {number} */ worker) => {
    while (performance.now() < end) {
      await task(worker);
      done++;
    }
  };
  await Promise.all(Array.from({ length: parallel }, (_, worker) => work(worker)));
  return done / ((performance.now() - started) / 1000);
}
