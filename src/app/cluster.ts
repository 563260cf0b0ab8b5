import cluster, { type Worker } from 'node:cluster';
import { Logger as NestLogs } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Config } from '../platform/config/config.js';
import { NestLogger } from '../platform/observability/logger.js';
import type { Server } from './server.js';
import { SharedLink } from './shared-link.js';

/** What a worker tells the primary once it takes requests. */
export interface WorkerReady {
  url: string;
}

/** What the primary tells a worker: to say "not ready", and to stop. Signals are the primary's alone. */
export type WorkerOrder = 'drain' | 'stop';

/** A worker could not start, and has said why. */
export class WorkerStartError extends Error {
  constructor(readonly exitCode: number | null) {
    super(`A worker ended with ${exitCode} before it was ready.`);
  }
}

/** Milliseconds before a worker that died is replaced, so that one that cannot start does not spin. */
const RESPAWN = 1_000;

/**
 * Starts `WORKERS` processes that share the port, and the link over which all of them hear of each other's revocations
 * and those of other machines. One that dies is replaced.
 */
export async function startCluster(config: Config, databaseUrl: string, logger: Logger): Promise<Server> {
  // The link logs as everything of Nest does, and no application is made here that would say where to.
  NestLogs.overrideLogger(new NestLogger(logger));
  const link = new SharedLink(config, databaseUrl);
  const start = () => cluster.fork({ ...process.env, GATEHOUSE_WORKER_DATABASE_URL: databaseUrl });
  let closing = false;
  const workers = () => Object.values(cluster.workers ?? {}).flatMap((worker) => worker ?? []);
  const drain = () => {
    // None is replaced any more: a new one would say that it is ready.
    closing = true;
    for (const worker of workers()) order(worker, 'drain');
  };
  const close = async () => {
    closing = true;
    await Promise.all(workers().map(ended));
    await link.stop();
  };
  const serving = new WeakSet<Worker>();
  let started = false;
  cluster.on('message', (worker, message) => isReady(message) && serving.add(worker));
  cluster.on('exit', (worker, code, signal) => {
    // One of the first that comes to nothing ends the start. A replacement that does is replaced in turn.
    if (closing || !(started || serving.has(worker))) return;
    logger.error({ pid: worker.process.pid, code, signal }, 'A worker died and is replaced');
    setTimeout(() => closing || start(), RESPAWN);
  });
  try {
    await link.start();
    // The first alone may make the first admin, and tells of it itself: another one could fail after it.
    const { url } = await ready(start());
    await Promise.all(Array.from({ length: config.workers - 1 }, () => ready(start())));
    started = true;
    return { url, firstAdmin: null, drain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function ready(worker: Worker): Promise<WorkerReady> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message) => isReady(message) && resolve(message));
    worker.once('exit', (code) => reject(new WorkerStartError(code)));
  });
}

function isReady(message: unknown): message is WorkerReady {
  return Object(message).url !== undefined;
}

function ended(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    order(worker, 'stop');
  });
}

/** One that is just ending takes no orders. */
function order(worker: Worker, what: WorkerOrder): void {
  if (worker.isConnected()) worker.send(what, () => undefined);
}
