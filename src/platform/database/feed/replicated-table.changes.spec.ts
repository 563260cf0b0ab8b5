import { Logger } from '@nestjs/common';
import { replicatedTable, retried } from '../../../../test/support/replicated-table.js';

beforeAll(() => Logger.overrideLogger(false));

describe('a notification', () => {
  it('has the table read again', async () => {
    const { feed, readings, copy } = replicatedTable();
    feed.tell('fruits');
    await readings[0]?.answer(['apple']);
    expect(copy()).toEqual(['apple']);
    expect(readings).toHaveLength(1);
  });

  it('during a reading has it read once more, and only once, however many there are', async () => {
    const { feed, readings, copy } = replicatedTable();
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
    const { feed, readings, copy } = replicatedTable();
    void feed.resync();
    feed.tell('fruits');
    await readings[0]?.answer(['before the change']);
    await readings[1]?.answer(['after the change']);
    expect(copy()).toEqual(['after the change']);
  });

  it('whose reading fails is tried again until it can be read, and meanwhile the copy does not pass for synchronized', async () => {
    const { feed, table, readings, copy } = replicatedTable();
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
    const { feed, readings } = replicatedTable();
    feed.tell('fruits');
    feed.isStopped = true;
    await readings[0]?.fail();
    await retried();
    expect(readings).toHaveLength(1);
  });

  it('with a change of its own is applied at once, without a reading', () => {
    const { feed, readings, copy } = replicatedTable();
    feed.tell('fruit', 'plum');
    expect(copy()).toEqual(['plum']);
    expect(readings).toEqual([]);
  });

  it('that was applied during a reading is not lost when the older snapshot takes its place', async () => {
    const { feed, table, readings, copy } = replicatedTable();
    const loaded = table.load();
    feed.tell('fruit', 'plum');
    await readings[0]?.answer(['apple']);
    await loaded;
    expect(copy()).toEqual(['apple', 'plum']);
  });

  it('of another kind is none of this table’s', () => {
    const { feed, readings, copy } = replicatedTable();
    feed.tell('vegetables');
    feed.tell('', 'fruits');
    expect([readings, copy()]).toEqual([[], []]);
  });
});
