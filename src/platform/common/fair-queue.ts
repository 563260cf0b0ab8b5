import { AsyncResource } from 'node:async_hooks';

interface Job {
  start(): Promise<void>;
  refuse(): void;
}

/** Whose turn a job takes, from the widest share to the narrowest: all jobs of a queue name as many. */
export type Share = readonly string[];

/** Those who wait within one share, each in the order of their turns; at the narrowest share, their jobs as they came. */
class Waiting {
  length = 0;
  private readonly shares = new Map<string, Waiting>();
  private readonly jobs: Job[] = [];

  append([name, ...rest]: Share, job: Job): void {
    this.length++;
    if (name === undefined) return void this.jobs.push(job);
    const own = this.shares.get(name) ?? new Waiting();
    own.append(rest, job);
    this.shares.set(name, own);
  }

  /** The oldest job of the one whose turn it is, who then waits for all others, at every share. */
  takeNext(): Job | undefined {
    const [next] = this.shares;
    if (next === undefined) return this.taken(this.jobs.shift());
    const [name, own] = next;
    const job = own.takeNext();
    this.shares.delete(name);
    if (own.length > 0) this.shares.set(name, own);
    return this.taken(job);
  }

  /** Whether one of those who wait has more than a newcomer would have: at the widest share at which they differ. */
  givesWayTo([name, ...rest]: Share): boolean {
    if (name === undefined) return false;
    const [own, most] = [this.shares.get(name), this.largest()?.[1]];
    if (most !== undefined && most.length > (own?.length ?? 0) + 1) return true;
    return own?.givesWayTo(rest) ?? false;
  }

  /** The newest job of the one who has most, where `givesWayTo` says that there is one. */
  takeFor([name, ...rest]: Share): Job | undefined {
    const own = name === undefined ? undefined : this.shares.get(name);
    const most = this.largest();
    const isFair = most === undefined || most[1].length <= (own?.length ?? 0) + 1;
    const [from, share] = isFair ? [name, own] : most;
    if (from === undefined || share === undefined) return undefined;
    const job = isFair ? share.takeFor(rest) : share.takeNewest();
    if (share.length === 0) this.shares.delete(from);
    return this.taken(job);
  }

  private takeNewest(): Job | undefined {
    const most = this.largest();
    if (most === undefined) return this.taken(this.jobs.pop());
    const job = most[1].takeNewest();
    if (most[1].length === 0) this.shares.delete(most[0]);
    return this.taken(job);
  }

  /** The share with most jobs; of several the one whose turn comes last. */
  private largest(): [name: string, share: Waiting] | undefined {
    let largest: [string, Waiting] | undefined;
    for (const share of this.shares) if (share[1].length >= (largest?.[1].length ?? 0)) largest = share;
    return largest;
  }

  private taken(job: Job | undefined): Job | undefined {
    if (job !== undefined) this.length--;
    return job;
  }
}

/**
 * A bounded queue before a few workers, shared out by who asks. Those who wait are served in turn, one job each, at every
 * share: among classes, then among the networks of a class, and so on. When the queue is full, the newest job of the one with
 * most of it gives way to one with less. One client may use all of the queue while nobody else wants it, and never keeps
 * others out.
 */
export class FairQueue {
  private readonly waiting = new Waiting();
  private running = 0;

  constructor(
    private readonly workers: number,
    private readonly capacity: number,
    /** Makes the error of a job that finds no place. */
    private readonly full: () => Error,
  ) {}

  /** Whether a job would have to wait just now, or find no place. */
  get isBusy(): boolean {
    return this.running >= this.workers;
  }

  /**
   * Runs a job in its turn, in the context of its caller, and returns what it returns. Rejects, at once or when it must give way,
   * where the queue is full.
   */
  run<T>(share: Share, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // The job before starts it, and has a deadline of its own.
      const start = AsyncResource.bind(() => work().then(resolve, reject));
      const job: Job = { start, refuse: () => reject(this.full()) };
      if (!this.isBusy) this.start(job);
      else if (this.waiting.length < this.capacity || this.makeRoomFor(share)) this.waiting.append(share, job);
      else job.refuse();
    });
  }

  /** Whether a job would find a place just now. */
  hasRoomFor(share: Share): boolean {
    return !this.isBusy || this.waiting.length < this.capacity || this.waiting.givesWayTo(share);
  }

  private start(job: Job): void {
    this.running++;
    void job.start().finally(() => {
      this.running--;
      const next = this.waiting.takeNext();
      if (next) this.start(next);
    });
  }

  private makeRoomFor(share: Share): boolean {
    const job = this.waiting.takeFor(share);
    job?.refuse();
    return job !== undefined;
  }
}
