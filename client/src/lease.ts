/** Milliseconds after which a lease that nobody has prolonged counts as left behind, such as by a tab that was closed. */
const LIFE = 3_000;
/** Milliseconds between two prolongations. */
const BEAT = 1_000;
/** Milliseconds in which a write of one tab is seen by all: who still owns the lease after them has won it. */
const SETTLE = 50;

/** The part of localStorage that a lease needs. */
export interface LeaseStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

interface Lease {
  /** Whose it is: made for each time, and no secret. */
  owner: string;
  /** When it ends, by the clock that all tabs share. */
  until: number;
}

/**
 * Runs work while holding a lease in a storage that all tabs share. The lease says who and until when, and nothing else.
 * Where nothing can be kept in the storage, the work runs at once.
 */
export async function leased<T>(storage: LeaseStorage, name: string, work: () => Promise<T>): Promise<T> {
  const owner = `${Date.now()} ${Math.random()}`;
  while (!(await won(storage, name, owner))) await pause(SETTLE);
  // A tab whose timers slept too long may find that another one holds the lease by now.
  const beat = setInterval(() => holder(storage, name) === owner && keep(storage, name, owner), BEAT);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if (holder(storage, name) === owner) storage.removeItem(name);
  }
}

/** Takes the lease where it is free; of several that do so at once, the one whose write came last has it. */
async function won(storage: LeaseStorage, name: string, owner: string): Promise<boolean> {
  if (holder(storage, name) !== null) return false;
  if (!keep(storage, name, owner)) return true;
  await pause(SETTLE);
  return holder(storage, name) === owner;
}

/** Who holds the lease now; null where nobody does. */
function holder(storage: LeaseStorage, name: string): string | null {
  try {
    const { owner, until } = JSON.parse(storage.getItem(name) ?? '') as Lease;
    // An end further away than any lease was written by a clock that has been put back since.
    return until > Date.now() && until <= Date.now() + LIFE ? owner : null;
  } catch {
    return null;
  }
}

/** Writes that the lease is the owner's from now on; false where nothing can be written. */
function keep(storage: LeaseStorage, name: string, owner: string): boolean {
  const lease: Lease = { owner, until: Date.now() + LIFE };
  try {
    storage.setItem(name, JSON.stringify(lease));
    return true;
  } catch {
    return false;
  }
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
