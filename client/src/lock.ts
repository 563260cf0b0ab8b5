/** Runs work while no one else runs any under the same name, and returns its result. */
export type Lock = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/**
 * One at a time over all tabs of an origin, by Web Locks. Where there are none (React Native, Node, a page without TLS),
 * one at a time in this process: should two processes share a session there, the server gives both the same successor.
 */
export function createLock(): Lock {
  const { locks } = (globalThis.navigator ?? {}) as { locks?: LockManager };
  if (locks) return (name, work) => locks.request(name, work) as Promise<never>;
  let last: Promise<unknown> = Promise.resolve();
  return (_name, work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
