import type { PageStorage } from './page-storage.js';

/** Milliseconds after which a lease that was not renewed counts as abandoned, for example by a closed tab. */
const LEASE_DURATION = 3_000;
/** Milliseconds. */
const RENEWAL_INTERVAL = 1_000;
/** Milliseconds until all tabs see a write of one: its author has won if it still owns the lease then. */
const PROPAGATION_TIME = 50;

interface Lease {
  /** New for each acquisition, and no secret. */
  owner: string;
  /** Expiry by the clock that all tabs share. */
  until: number;
}

/**
 * Runs work while holding a lease in a storage that all tabs share. The lease holds its owner and expiry only. If nothing
 * can be written to the storage, the work runs at once.
 */
export async function withLease<T>(storage: PageStorage, name: string, work: () => Promise<T>): Promise<T> {
  const owner = `${Date.now()} ${Math.random()}`;
  while (!(await acquire(storage, name, owner))) await sleep(PROPAGATION_TIME);
  // Another tab may hold the lease by now if the timers of this one were suspended for too long.
  const renewal = setInterval(() => ownerOf(storage, name) === owner && write(storage, name, owner), RENEWAL_INTERVAL);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    if (ownerOf(storage, name) === owner) storage.removeItem(name);
  }
}

/** Of several tabs that take a free lease at once, the last to write has it. */
async function acquire(storage: PageStorage, name: string, owner: string): Promise<boolean> {
  if (ownerOf(storage, name) !== null) return false;
  if (!write(storage, name, owner)) return true;
  await sleep(PROPAGATION_TIME);
  return ownerOf(storage, name) === owner;
}

/** Null if the lease is free. */
function ownerOf(storage: PageStorage, name: string): string | null {
  try {
    const { owner, until } = JSON.parse(storage.getItem(name) ?? '') as Lease;
    // A later expiry than any lease can have was written before the clock was set back.
    return until > Date.now() && until <= Date.now() + LEASE_DURATION ? owner : null;
  } catch {
    return null;
  }
}

/** Takes or renews the lease; false if the storage refuses. */
function write(storage: PageStorage, name: string, owner: string): boolean {
  const lease: Lease = { owner, until: Date.now() + LEASE_DURATION };
  try {
    storage.setItem(name, JSON.stringify(lease));
    return true;
  } catch {
    return false;
  }
}

const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
