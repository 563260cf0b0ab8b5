import cluster from 'node:cluster';
import { hostname } from 'node:os';
import { LISTENER, POLLER } from './pulse.js';

/** The injection token of the name of this instance's link. */
export const LINK_NAME = Symbol('LINK_NAME');

/** Bytes of an application_name at most: Postgres cuts off what is longer. */
const LONGEST = 63;

let named = 0;

/** The name of this instance's link in pg_stat_activity, which no other has. Workers have that of the process that started them. */
export function linkName(feed: 'notify' | 'poll'): string {
  const pid = cluster.isWorker ? process.ppid : process.pid;
  const ending = `/${pid}${++named > 1 ? `#${named}` : ''}`;
  return `${feed === 'notify' ? LISTENER : POLLER} ${hostname()}`.slice(0, LONGEST - ending.length) + ending;
}
