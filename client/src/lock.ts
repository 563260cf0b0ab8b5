import { type LeaseStorage, leased } from './lease.js';

/** Runs work while no one else runs any under the same name, and returns its result. */
export type Lock = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** What a lock over all tabs can be made of, as far as there is any of it. */
export interface Surroundings {
  locks?: { request<T>(name: string, work: () => Promise<T>): Promise<T> };
  storage?: LeaseStorage;
}

/**
 * One at a time over all tabs of an origin: by Web Locks, or by a lease in localStorage where a browser has none (an old
 * one, or a page without TLS). Where there are no tabs (React Native, Node), one at a time in this process. Should two
 * renew at once all the same, the server gives both the same successor.
 */
export function createLock({ locks, storage }: Surroundings = surroundings()): Lock {
  if (locks) return (name, work) => locks.request(name, work);
  const alone = queue();
  return storage ? (name, work) => alone(name, () => leased(storage, name, work)) : alone;
}

/** One at a time among the calls of one lock. */
function queue(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (_name, work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

function surroundings(): Surroundings {
  const { locks } = (globalThis.navigator ?? {}) as Pick<Surroundings, 'locks'>;
  return { locks, storage: storageOfPage() };
}

/** Undefined outside of a page, and in one whose storage is forbidden: there even to look at it throws. */
function storageOfPage(): LeaseStorage | undefined {
  try {
    return typeof document === 'undefined' ? undefined : globalThis.localStorage;
  } catch {
    return undefined;
  }
}
