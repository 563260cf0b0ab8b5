import { withLease } from './lease.js';
import { type PageStorage, pageStorage } from './page-storage.js';
import { type WebLocks, withWebLock } from './web-lock.js';

/** Runs work while no other work runs under the same name, and returns its result. */
export type Lock = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** What a lock over all tabs can be built on, as far as the environment has it. */
export interface LockBackends {
  locks?: WebLocks;
  storage?: PageStorage;
}

/**
 * One at a time over all tabs of an origin: by Web Locks, or by a lease in localStorage where a browser has none (an old
 * one, or a page without TLS). Neither waits for good for a tab that is suspended. Without tabs (React Native, Node), one at a
 * time in this process. Should two renew at once all the same, the server gives both the same successor.
 */
export function createLock({ locks, storage }: LockBackends = availableBackends()): Lock {
  if (locks) return (name, work) => withWebLock(locks, name, work);
  const inProcess = createQueue();
  return storage ? (name, work) => inProcess(name, () => withLease(storage, name, work)) : inProcess;
}

function createQueue(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (_name, work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

function availableBackends(): LockBackends {
  const { locks } = (globalThis.navigator ?? {}) as Pick<LockBackends, 'locks'>;
  return { locks, storage: pageStorage() };
}
