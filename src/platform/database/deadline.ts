import { AsyncLocalStorage } from 'node:async_hooks';

/** What pg says of a statement whose answer did not come in time; then its connection is given up. */
export const READ_TIMEOUT = 'Query read timeout';
/** What its pool says where no connection comes in time. */
const CONNECT_TIMEOUT = 'timeout exceeded when trying to connect';

/**
 * The time that one request may wait for the database, whatever it asks, waits for or repeats: connections, statements and
 * second tries share it. What it does meanwhile, as hashing a password, costs nothing.
 */
export class Deadline {
  private spent = 0;
  private waiting = 0;
  private since = 0;
  private isOver = false;

  /** `limit` and the clock are in milliseconds. */
  constructor(
    private readonly limit: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Milliseconds that are left, or Infinity once the request is answered: what it has set going then has time. */
  get left(): number {
    if (this.isOver) return Number.POSITIVE_INFINITY;
    return this.limit - this.spent - (this.waiting > 0 ? this.now() - this.since : 0);
  }

  /** Begins a wait. Waits that overlap count once. */
  begin(): void {
    if (this.waiting++ === 0) this.since = this.now();
  }

  end(): void {
    if (--this.waiting === 0) this.spent += this.now() - this.since;
  }

  /** The request is answered. */
  finish(): void {
    this.isOver = true;
  }
}

const storage = new AsyncLocalStorage<Deadline | undefined>();

/** The deadline of the request that this is done for. None for jobs, commands and migrations. */
export function currentDeadline(): Deadline | undefined {
  return storage.getStore();
}

/** Runs `work` and all that comes of it under a deadline. */
export function underDeadline<T>(deadline: Deadline, work: () => T): T {
  return storage.run(deadline, work);
}

/**
 * Runs `work` and all that comes of it within so many milliseconds of the time that the request has left, all of which counts as
 * spent meanwhile: for what the request can do without.
 */
export async function underShorterDeadline<T>(limit: number, work: () => Promise<T>): Promise<T> {
  const outer = currentDeadline();
  const shorter = new Deadline(Math.min(limit, outer?.left ?? Number.POSITIVE_INFINITY));
  outer?.begin();
  try {
    return await underDeadline(shorter, work);
  } finally {
    outer?.end();
  }
}

/** Runs `work` and all that comes of it outside of the request's deadline: each of its statements has a limit of its own. */
export function withoutDeadline<T>(work: () => T): T {
  return storage.run(undefined, work);
}

/** Waits for a connection as long as the deadline allows, and hands one that comes too late to `giveBack`. Throws as the pool does. */
export async function connectWithin<T>(
  deadline: Deadline,
  connect: () => Promise<T>,
  giveBack: (late: T) => void,
): Promise<T> {
  const { left } = deadline;
  if (left <= 0) throw new Error(CONNECT_TIMEOUT);
  if (left === Number.POSITIVE_INFINITY) return connect();
  deadline.begin();
  const connecting = connect();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      connecting.then(giveBack, () => undefined);
      reject(new Error(CONNECT_TIMEOUT));
    }, left);
  });
  try {
    return await Promise.race([connecting, timeout]);
  } finally {
    clearTimeout(timer);
    deadline.end();
  }
}
