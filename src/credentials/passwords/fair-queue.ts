interface Job {
  start(): Promise<void>;
  refuse(): void;
}

/**
 * A bounded queue before a few workers, shared out by who asks. Those who wait are served in turn, one job each; when the
 * queue is full, the newest job of the client with most of it gives way to a client with less. One client may use all of
 * the queue while nobody else wants it, and never keeps others out.
 */
export class FairQueue {
  /** Who waits, in the order of their turns, each with their jobs in the order in which they came. */
  private readonly waiting = new Map<string, Job[]>();
  private running = 0;
  private length = 0;

  constructor(
    private readonly workers: number,
    private readonly capacity: number,
    /** Makes the error of a job that finds no place. */
    private readonly full: () => Error,
  ) {}

  /** Runs a job in its turn and returns what it returns. Rejects, at once or when it must give way, where the queue is full. */
  run<T>(from: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const job: Job = { start: () => work().then(resolve, reject), refuse: () => reject(this.full()) };
      if (this.running < this.workers) this.start(job);
      else if (this.length < this.capacity || this.makeRoomFor(from)) this.append(from, job);
      else job.refuse();
    });
  }

  /** Whether a job would find a place just now. */
  hasRoomFor(from: string): boolean {
    return this.running < this.workers || this.length < this.capacity || this.whoGivesWayTo(from) !== undefined;
  }

  private start(job: Job): void {
    this.running++;
    void job.start().finally(() => {
      this.running--;
      const next = this.takeNext();
      if (next) this.start(next);
    });
  }

  private append(from: string, job: Job): void {
    const own = this.waiting.get(from);
    if (own) own.push(job);
    else this.waiting.set(from, [job]);
    this.length++;
  }

  /** The oldest job of the client whose turn it is, which then waits for all others. */
  private takeNext(): Job | undefined {
    for (const [from, jobs] of this.waiting) {
      const job = jobs.shift();
      this.waiting.delete(from);
      if (jobs.length > 0) this.waiting.set(from, jobs);
      this.length--;
      return job;
    }
    return undefined;
  }

  private makeRoomFor(from: string): boolean {
    const job = this.whoGivesWayTo(from)?.pop();
    if (job === undefined) return false;
    job.refuse();
    this.length--;
    return true;
  }

  /** The jobs of the client with most of the queue, unless the newcomer would then have as much: the first to come stays. */
  private whoGivesWayTo(from: string): Job[] | undefined {
    let most: Job[] = [];
    for (const jobs of this.waiting.values()) if (jobs.length > most.length) most = jobs;
    return most.length > (this.waiting.get(from)?.length ?? 0) + 1 ? most : undefined;
  }
}
