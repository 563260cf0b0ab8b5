import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { change } from '../../../../test/support/change.js';
import { Clock } from '../../common/clock.js';
import type { ApplyChange, ChangeFeed } from './change-feed.js';
import { ReplicatedTable, type TableReplica } from './replicated-table.js';

beforeAll(() => Logger.overrideLogger(false));

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
function fixture(replica: Partial<TableReplica<string[]>> = {}) {
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
const retried = () => wait(20);

describe('a resync', () => {
  it('fills the copy before the feed counts as whole', async () => {
    const { feed, readings, copy } = fixture();
    const whole = feed.resync();
    expect(copy()).toEqual([]);
    await readings[0]?.answer(['apple']);
    await whole;
    expect(copy()).toEqual(['apple']);
  });

  it('after a lost link puts in what was missed, and takes out what is gone', async () => {
    const { feed, readings, copy } = fixture();
    void feed.resync();
    await readings[0]?.answer(['apple', 'pear']);
    void feed.resync();
    await readings[1]?.answer(['pear', 'plum']);
    expect(copy()).toEqual(['pear', 'plum']);
  });

  it('that cannot read rejects, so that the feed does not count as whole, and keeps the copy', async () => {
    const { feed, readings, copy } = fixture();
    void feed.resync();
    await readings[0]?.answer(['apple']);
    const whole = feed.resync();
    const outcome = expect(whole).rejects.toThrow('no database');
    await readings[1]?.fail();
    await outcome;
    expect(copy()).toEqual(['apple']);
  });
});

describe('of readings that overlap', () => {
  it('the one that began later counts, although it ends first', async () => {
    const { table, readings, copy } = fixture();
    const both = [table.load(), table.load()];
    await readings[1]?.answer(['new']);
    await readings[0]?.answer(['old']);
    await Promise.all(both);
    expect(copy()).toEqual(['new']);
  });

  it('both count in turn where they end in the order in which they began', async () => {
    const { table, readings, copy } = fixture();
    const both = [table.load(), table.load()];
    await readings[0]?.answer(['old']);
    expect(copy()).toEqual(['old']);
    await readings[1]?.answer(['new']);
    await Promise.all(both);
    expect(copy()).toEqual(['new']);
  });

  it('the earlier one counts where the later one fails', async () => {
    const { table, readings, copy } = fixture();
    const [earlier, later] = [table.load(), table.load()];
    const outcome = expect(later).rejects.toThrow('no database');
    await readings[1]?.fail();
    await readings[0]?.answer(['old']);
    await Promise.all([earlier, outcome]);
    expect(copy()).toEqual(['old']);
  });
});

describe('a notification', () => {
  it('has the table read again', async () => {
    const { feed, readings, copy } = fixture();
    feed.tell('fruits');
    await readings[0]?.answer(['apple']);
    expect(copy()).toEqual(['apple']);
    expect(readings).toHaveLength(1);
  });

  it('during a reading has it read once more, and only once, however many there are', async () => {
    const { feed, readings, copy } = fixture();
    feed.tell('fruits');
    for (let i = 0; i < 50; i++) feed.tell('fruits');
    expect(readings).toHaveLength(1);
    await readings[0]?.answer(['before the change']);
    expect(readings).toHaveLength(2);
    await readings[1]?.answer(['after the change']);
    expect(copy()).toEqual(['after the change']);
    expect(readings).toHaveLength(2);
  });

  it('during a resync is not satisfied by that reading: it may have begun before the change', async () => {
    const { feed, readings, copy } = fixture();
    void feed.resync();
    feed.tell('fruits');
    await readings[0]?.answer(['before the change']);
    await readings[1]?.answer(['after the change']);
    expect(copy()).toEqual(['after the change']);
  });

  it('whose reading fails is tried again until it can be read, and meanwhile the copy does not pass for synchronized', async () => {
    const { feed, table, readings, copy } = fixture();
    feed.tell('fruits');
    expect(table.isSynchronized).toBe(true);
    await readings[0]?.fail();
    expect(table.isSynchronized).toBe(false);
    await retried();
    await readings[1]?.fail();
    await retried();
    await readings[2]?.answer(['apple']);
    expect(copy()).toEqual(['apple']);
    expect(table.isSynchronized).toBe(true);
    await retried();
    expect(readings).toHaveLength(3);
  });

  it('is not tried again once the feed has stopped', async () => {
    const { feed, readings } = fixture();
    feed.tell('fruits');
    feed.isStopped = true;
    await readings[0]?.fail();
    await retried();
    expect(readings).toHaveLength(1);
  });

  it('with a change of its own is applied at once, without a reading', () => {
    const { feed, readings, copy } = fixture();
    feed.tell('fruit', 'plum');
    expect(copy()).toEqual(['plum']);
    expect(readings).toEqual([]);
  });

  it('that was applied during a reading is not lost when the older snapshot takes its place', async () => {
    const { feed, table, readings, copy } = fixture();
    const loaded = table.load();
    feed.tell('fruit', 'plum');
    await readings[0]?.answer(['apple']);
    await loaded;
    expect(copy()).toEqual(['apple', 'plum']);
  });

  it('of another kind is none of this table’s', () => {
    const { feed, readings, copy } = fixture();
    feed.tell('vegetables');
    feed.tell('', 'fruits');
    expect([readings, copy()]).toEqual([[], []]);
  });
});

test('without a swap the reading applies its rows itself, and no change is kept for it', async () => {
  const applied: string[] = [];
  const { feed, table, readings } = fixture({
    changes: { fruit: ({ id }) => void applied.push(id ?? '') },
    swap: undefined,
  });
  const loaded = table.load();
  feed.tell('fruit', 'plum');
  await readings[0]?.answer([]);
  await loaded;
  expect(applied).toEqual(['plum']);
  expect(table.edition).toBe(0);
});

test('the edition grows with a reading that says something else, and with no other', async () => {
  const { table, readings } = fixture();
  const editions: number[] = [];
  for (const [index, rows] of [['apple'], ['apple'], ['pear']].entries()) {
    const loaded = table.load();
    await readings[index]?.answer(rows);
    await loaded;
    editions.push(table.edition);
  }
  expect(editions).toEqual([1, 1, 2]);
});

describe('while the feed is lost', () => {
  it('the copy counts as synchronized for a second after a reading began, not after it ended', async () => {
    const { feed, clock, table, readings } = fixture();
    feed.isSynchronized = false;
    expect(table.isSynchronized).toBe(false);
    const loaded = table.load();
    clock.time += 600;
    await readings[0]?.answer(['apple']);
    await loaded;
    expect(table.isSynchronized).toBe(true);
    clock.time += 400;
    expect(table.isSynchronized).toBe(false);
  });

  it('a refresh reads the table, and refreshes within a second share that reading', async () => {
    const { feed, clock, table, readings, copy } = fixture();
    feed.isSynchronized = false;
    const both = [table.refresh(), table.refresh()];
    expect(readings).toHaveLength(1);
    await readings[0]?.answer(['apple']);
    await Promise.all(both);
    expect(copy()).toEqual(['apple']);
    clock.time += 1_000;
    const third = table.refresh();
    await readings[1]?.answer(['pear']);
    await third;
    expect(copy()).toEqual(['pear']);
  });

  it('a refresh that cannot read keeps what was last known, and does not ask again at once', async () => {
    const { feed, clock, table, readings, copy } = fixture();
    void feed.resync();
    await readings[0]?.answer(['apple']);
    feed.isSynchronized = false;
    clock.time += 1_000;
    const refreshed = table.refresh();
    await readings[1]?.fail();
    await refreshed;
    await table.refresh();
    expect(readings).toHaveLength(2);
    expect(copy()).toEqual(['apple']);
    expect(table.isSynchronized).toBe(false);
  });

  it('the lag is the feed’s', () => {
    const { feed, table } = fixture();
    feed.lagMs = 4_321;
    expect(table.lagMs).toBe(4_321);
  });
});
