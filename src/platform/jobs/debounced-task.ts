import { withoutDeadline } from '../database/deadline.js';

/** Milliseconds from the first telling to the task, so that a crowd of changes is one task. */
const DELAY = 1_000;
/** Milliseconds after which the task is done unasked, for what a server that died has left. */
const INTERVAL = 300_000;

/**
 * Runs a task soon after it is told that there is something to do, and now and then unasked: one that returns a promise, once at
 * a time. It keeps no process alive.
 */
export class DebouncedTask {
  private timer: NodeJS.Timeout | undefined;
  private interval: NodeJS.Timeout | undefined;
  private running = false;
  private stopped = false;

  /** `task` sees to its own errors: nobody waits for it. */
  constructor(private readonly task: () => void | Promise<void>) {}

  /** From here on the task is also done unasked. */
  start(): void {
    this.interval = setInterval(() => this.run(), INTERVAL).unref();
  }

  /** However often it is told, the task is done once; what is told during the task is done with the next. */
  schedule(): void {
    if (this.stopped) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.run();
    }, DELAY).unref();
  }

  /** For good: what is told later is left to the next server. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.interval);
  }

  private run(): void {
    if (this.running) return void this.schedule();
    // What a request has set going is not done in its time.
    const done = withoutDeadline(this.task);
    if (!done) return;
    this.running = true;
    void done.finally(() => {
      this.running = false;
    });
  }
}
