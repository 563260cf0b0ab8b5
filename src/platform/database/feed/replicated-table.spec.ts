import { Logger } from '@nestjs/common';
import { replicatedTable } from '../../../../test/support/replicated-table.js';

beforeAll(() => Logger.overrideLogger(false));

describe('a resync', () => {
  it('fills the copy before the feed counts as whole', async () => {
    const { feed, readings, copy } = replicatedTable();
    const whole = feed.resync();
    expect(copy()).toEqual([]);
    await readings[0]?.answer(['apple']);
    await whole;
    expect(copy()).toEqual(['apple']);
  });

  it('after a lost link puts in what was missed, and takes out what is gone', async () => {
    const { feed, readings, copy } = replicatedTable();
    void feed.resync();
    await readings[0]?.answer(['apple', 'pear']);
    void feed.resync();
    await readings[1]?.answer(['pear', 'plum']);
    expect(copy()).toEqual(['pear', 'plum']);
  });

  it('that cannot read rejects, so that the feed does not count as whole, and keeps the copy', async () => {
    const { feed, readings, copy } = replicatedTable();
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
    const { table, readings, copy } = replicatedTable();
    const both = [table.load(), table.load()];
    await readings[1]?.answer(['new']);
    await readings[0]?.answer(['old']);
    await Promise.all(both);
    expect(copy()).toEqual(['new']);
  });

  it('both count in turn where they end in the order in which they began', async () => {
    const { table, readings, copy } = replicatedTable();
    const both = [table.load(), table.load()];
    await readings[0]?.answer(['old']);
    expect(copy()).toEqual(['old']);
    await readings[1]?.answer(['new']);
    await Promise.all(both);
    expect(copy()).toEqual(['new']);
  });

  it('the earlier one counts where the later one fails', async () => {
    const { table, readings, copy } = replicatedTable();
    const [earlier, later] = [table.load(), table.load()];
    const outcome = expect(later).rejects.toThrow('no database');
    await readings[1]?.fail();
    await readings[0]?.answer(['old']);
    await Promise.all([earlier, outcome]);
    expect(copy()).toEqual(['old']);
  });
});

test('without a swap the reading applies its rows itself, and no change is kept for it', async () => {
  const applied: string[] = [];
  const { feed, table, readings } = replicatedTable({
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
  const { table, readings } = replicatedTable();
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
    const { feed, clock, table, readings } = replicatedTable();
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
    const { feed, clock, table, readings, copy } = replicatedTable();
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
    const { feed, clock, table, readings, copy } = replicatedTable();
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
    const { feed, table } = replicatedTable();
    feed.lagMs = 4_321;
    expect(table.lagMs).toBe(4_321);
  });
});
