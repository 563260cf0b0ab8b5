import { setTimeout as wait } from 'node:timers/promises';

/** Waits that can be cut short. */
export class InterruptibleTimer {
  private nap = new AbortController();
  private readonly end = new AbortController();

  /** Ends `sleep`, or the next one if none is under way: a call between a look and the sleep is not lost. */
  wake(): void {
    this.nap.abort();
  }

  /** Takes back a `wake` that no sleep has heard yet. */
  forget(): void {
    if (!this.end.signal.aborted) this.nap = new AbortController();
  }

  /** Ends every wait, now and from now on. */
  stop(): void {
    this.end.abort();
    this.nap.abort();
  }

  /** Waits so many milliseconds, or until `wake` or `stop`; not at all where the time has come already. */
  async sleep(ms: number): Promise<void> {
    await wait(Math.max(ms, 0), null, { signal: this.nap.signal }).catch(() => undefined);
    this.forget();
  }

  /** As `sleep`, but `wake` does not end it. */
  async sleepThrough(ms: number): Promise<void> {
    await wait(Math.max(ms, 0), null, { signal: this.end.signal }).catch(() => undefined);
  }
}
