import type { WebLocks } from '../../client/src/web-lock.js';

interface Entry {
  name: string;
  clientId: string;
  hold: () => Promise<void>;
  settle: (error?: Error) => void;
}

/** Web Locks as far as the client uses them: a queue, requests that are aborted, and locks that are stolen. */
export class FakeLocks {
  readonly asked: string[] = [];
  private held: Entry | null = null;
  private queue: Entry[] = [];

  /** The locks as one tab sees them. */
  of(clientId: string): WebLocks {
    return {
      query: async () => ({ held: this.held ? [{ name: this.held.name, clientId: this.held.clientId }] : [] }),
      request: (name, { signal, steal }, hold) => {
        this.asked.push(name);
        return new Promise<void>((resolve, reject) => {
          const settle = (error?: Error) => (error ? reject(error) : resolve());
          const entry = { name, clientId, hold, settle };
          signal?.addEventListener('abort', () => this.abort(entry));
          if (steal) this.steal(entry);
          else this.queue.push(entry);
          this.next();
        });
      },
    };
  }

  private abort(entry: Entry): void {
    if (!this.queue.includes(entry)) return;
    this.queue = this.queue.filter((other) => other !== entry);
    entry.settle(new DOMException('aborted', 'AbortError'));
  }

  private steal(entry: Entry): void {
    this.held?.settle(new DOMException('stolen', 'AbortError'));
    this.held = null;
    this.queue.unshift(entry);
  }

  private next(): void {
    const [entry] = this.queue;
    if (this.held || !entry) return;
    this.queue.shift();
    this.held = entry;
    void entry.hold().then(() => {
      entry.settle();
      if (this.held !== entry) return;
      this.held = null;
      this.next();
    });
  }
}
