import { setTimeout as wait } from 'node:timers/promises';
import { Clock } from '../../src/platform/common/clock.js';
import type { ApplyChange, ChangeFeed } from '../../src/platform/database/feed/change-feed.js';
import { ReplicatedTable, type TableReplica } from '../../src/platform/database/feed/replicated-table.js';
import { change } from './change.js';

class MovedClock extends Clock {
  time = 10_000;
  override elapsed(): number {
    return this.time;
  }
}

class FakeFeed implements ChangeFeed {
  lagMs = 0;
  isSynchronized = true;
  isStopped = false;
  readonly resyncs: (() => Promise<void>)[] = [];
  private readonly subscribers = new Map<string, ApplyChange>();

  on(kind: string, apply: ApplyChange): void {
    this.subscribers.set(kind, apply);
  }
  onResync(read: () => Promise<void>): void {
    this.resyncs.push(read);
  }
  tell(kind: string, id = ''): void {
    this.subscribers.get(kind)?.(change({ kind, id }));
  }
  /** What a feed does when it is made, and made again. */
  async resync(): Promise<void> {
    for (const read of this.resyncs) await read();
  }
}

/** A table whose readings end when the test says so. Each yields what the test gives it. */
export function replicatedTable(replica: Partial<TableReplica<string[]>> = {}) {
  const feed = new FakeFeed();
  const clock = new MovedClock();
  const readings: { answer(rows: string[]): Promise<void>; fail(): Promise<void> }[] = [];
  let copy: string[] = [];
  const add = (name: string) => {
    copy = [...new Set([...copy, name])];
  };
  const table = new ReplicatedTable<string[]>(
    feed,
    clock,
    {
      name: 'fruits',
      changes: { fruits: 'reload', fruit: ({ id }) => add(id ?? '') },
      read: () =>
        new Promise((resolve, reject) => {
          readings.push({
            answer: (rows) => {
              resolve(rows);
              return settle();
            },
            fail: () => {
              reject(new Error('no database'));
              return settle();
            },
          });
        }),
      swap: (rows) => {
        const isAnother = rows.join() !== copy.join();
        copy = rows;
        return isAnother;
      },
      ...replica,
    },
    1,
  );
  table.follow();
  return { feed, clock, table, readings, copy: () => copy };
}

const settle = () => wait(0);
/** Longer than the pause before a failed reading is tried again. */
export const retried = () => wait(20);
