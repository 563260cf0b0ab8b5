/** Milliseconds that a tab may hold the lock while others wait. One that holds it for longer is suspended, and may be for good. */
const HOLD_LIMIT = 5_000;

/** The part of `navigator.locks` that this package needs. */
export interface WebLocks {
  request(name: string, options: { signal?: AbortSignal; steal?: boolean }, hold: () => Promise<void>): Promise<void>;
  query(): Promise<{ held?: { name?: string; clientId?: string }[] }>;
}

/**
 * Runs work while holding a Web Lock. The lock of a tab that was frozen, or stopped by a debugger, is taken from it after a
 * while; its work goes on when it wakes up, beside that of others.
 */
export async function withWebLock<T>(locks: WebLocks, name: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(locks, name);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Waits again where another tab came to hold it meanwhile, since each tab in the queue has its own time. */
async function acquire(locks: WebLocks, name: string): Promise<() => void> {
  for (;;) {
    const holder = await holderOf(locks, name);
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), HOLD_LIMIT);
    const release = await request(locks, name, { signal: controller.signal });
    clearTimeout(timer);
    if (release) return release;
    if (holder !== undefined && holder === (await holderOf(locks, name)))
      return (await request(locks, name, { steal: true })) ?? (() => undefined);
  }
}

/** Resolves once the lock is held, with what gives it back; with null if it was aborted before. */
function request(
  locks: WebLocks,
  name: string,
  options: { signal?: AbortSignal; steal?: boolean },
): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    const hold = () => new Promise<void>((release) => resolve(release));
    // It fails later too, where another tab steals the lock: the work then goes on, so nobody has to know.
    locks.request(name, options, hold).catch(() => resolve(options.signal?.aborted ? null : () => undefined));
  });
}

async function holderOf(locks: WebLocks, name: string): Promise<string | undefined> {
  const { held = [] } = await locks.query();
  return held.find((lock) => lock.name === name)?.clientId;
}
