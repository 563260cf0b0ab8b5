import { Logger } from '@nestjs/common';
import { change } from '../../../../test/support/change.js';
import { Clock } from '../../common/clock.js';
import { ClockError } from './clock-watch.js';
import { DatabaseFeed } from './database-feed.js';
import type { Look, LookSource } from './look.js';
import type { Pulse } from './pulse.js';

beforeAll(() => Logger.overrideLogger(false));

class MovedClock extends Clock {
  time = 100_000;
  override elapsed() {
    return this.time;
  }
}

/** Looks are given by the test; the first one comes with the start. */
class Looks implements LookSource {
  receive: (look: Look) => void = () => {};
  constructor(private readonly first: Look) {}
  async start(receive: (look: Look) => void) {
    this.receive = receive;
    receive(this.first);
  }
  async stop() {}
}

const CHANGE = change({ kind: 'fruit', id: 'plum' });

function fixture(first: Partial<Look> = {}) {
  const clock = new MovedClock();
  const look = (some: Partial<Look> = {}): Look => ({
    beganAt: clock.time,
    pulseAge: 0,
    offset: { ms: 0, error: 1 },
    edition: 1,
    setBackAt: null,
    changes: [],
    words: [],
    ...some,
  });
  const source = new Looks(look(first));
  const beats: number[] = [];
  const pulse = { beat: async () => void beats.push(clock.time) } as unknown as Pulse;
  const feed = new DatabaseFeed(source, clock, pulse, 5);
  return {
    beats,
    clock,
    source,
    feed,
    tell: (some: Partial<Look>) => source.receive(look(some)),
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const soon = async (isSo: () => boolean) => {
  for (let n = 0; n < 500 && !isSo(); n++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(isSo()).toBe(true);
};

test('starts once everything was read, and hands on the changes that looks bring', async () => {
  const { feed, tell } = fixture();
  const done: string[] = [];
  feed.onResync(async () => void done.push('read'));
  feed.on('fruit', ({ id }) => done.push(`${id}`));
  feed.onBell('mail', () => done.push('mail'));
  expect(feed.hasStarted).toBe(false);
  await feed.start();
  expect([feed.hasStarted, feed.isSynchronized]).toEqual([true, true]);
  tell({ changes: [CHANGE, { ...CHANGE, kind: 'vegetable' }], words: ['mail', 'fruit', 'session 1'] });
  expect(done).toEqual(['read', 'plum', 'mail']);
});

test('does not start where the reading fails, or where the clock is more than a minute off', async () => {
  const failing = fixture();
  failing.feed.onResync(() => Promise.reject(new Error('no such table')));
  await expect(failing.feed.start()).rejects.toThrow('no such table');
  expect(failing.feed.hasStarted).toBe(false);
  await expect(fixture({ offset: { ms: 61_000, error: 10 } }).feed.start()).rejects.toThrow(ClockError);
  await fixture({ offset: { ms: 59_000, error: 10 } }).feed.start();
});

test('is whole up to the last pulse, not up to the last answer', async () => {
  const { feed, clock, tell } = fixture();
  await feed.start();
  for (let second = 1; second <= 6; second++) {
    clock.time += 1_000;
    tell({ pulseAge: second * 1_000 });
    expect(feed.lagMs).toBe(second * 1_000);
  }
  expect(feed.isSynchronized).toBe(false);
  tell({ pulseAge: 5 });
  expect([feed.isSynchronized, feed.lagMs]).toEqual([true, 5]);
});

test('where nothing is heard it grows older, and is not whole after 3 s', async () => {
  const { feed, clock } = fixture();
  await feed.start();
  clock.time += 2_999;
  expect(feed.isSynchronized).toBe(true);
  clock.time += 1;
  expect([feed.isSynchronized, feed.lagMs]).toEqual([false, 3_000]);
});

test('another edition is not whole before everything was read anew, however often that fails', async () => {
  const { feed, clock, tell } = fixture();
  let attempts = 0;
  let isBroken = false;
  feed.onResync(async () => {
    attempts++;
    if (isBroken) throw new Error('gone');
  });
  await feed.start();
  isBroken = true;
  clock.time += 1_000;
  tell({ edition: 2 });
  await soon(() => attempts >= 3);
  tell({ edition: 2 });
  expect([feed.isSynchronized, feed.lagMs]).toEqual([false, 1_000]);
  isBroken = false;
  await soon(() => feed.isSynchronized);
  expect(feed.lagMs).toBe(0);
});

test('an edition that comes while the one before is read is read after it', async () => {
  const { feed, tell } = fixture();
  const readings: (() => void)[] = [];
  await feed.start();
  feed.onResync(() => new Promise((resolve) => readings.push(resolve)));
  tell({ edition: 2 });
  tell({ edition: 3 });
  readings[0]?.();
  await settle();
  expect([feed.isSynchronized, readings.length]).toEqual([false, 2]);
  readings[1]?.();
  await settle();
  expect(feed.isSynchronized).toBe(true);
});

test('what the database may have lost is written back once, tried until it succeeds, and keeps nobody waiting', async () => {
  const { feed, tell } = fixture();
  const since: string[] = [];
  let isBroken = true;
  feed.onSetBack(async (moment) => {
    since.push(moment);
    if (isBroken) throw new Error('gone');
  });
  await feed.start();
  expect(since).toEqual([]);
  tell({ edition: 2, setBackAt: 'noon' });
  await soon(() => since.length >= 2);
  expect(feed.isSynchronized).toBe(true);
  isBroken = false;
  const { length } = since;
  await soon(() => since.length > length);
  tell({ edition: 2, setBackAt: 'noon' });
  await settle();
  expect(since).toHaveLength(length + 1);
  expect(new Set(since)).toEqual(new Set(['noon']));
});

test('a part that cannot be written back keeps no other from its turn', async () => {
  const { feed, tell } = fixture();
  const done: string[] = [];
  let isBroken = true;
  feed.onSetBack(async () => {
    if (isBroken) throw new Error('gone');
    done.push('first');
  });
  feed.onSetBack(async () => void done.push('second'));
  await feed.start();
  tell({ edition: 2, setBackAt: 'noon' });
  await soon(() => done.length > 0);
  expect(done).toEqual(['second']);
  isBroken = false;
  await soon(() => done.length > 1);
  expect(done).toEqual(['second', 'first']);
});

test('the time of all instances is the database’s, and an unfit clock is told', async () => {
  const { feed, clock, tell } = fixture();
  await feed.start();
  tell({ offset: { ms: -59_000, error: 5 } });
  expect([feed.isClockFit, Math.round(clock.now() - Date.now())]).toEqual([true, expect.closeTo(-59_000, -2)]);
  tell({ offset: { ms: 3_600_000, error: 5 } });
  expect(feed.isClockFit).toBe(false);
  tell({ offset: { ms: 0, error: 5 } });
  expect(feed.isClockFit).toBe(true);
});

test('where the link sends no pulse the pool does, and not before it is overdue', async () => {
  const { feed, tell, beats } = fixture();
  await feed.start();
  tell({ pulseAge: 1_999 });
  expect(beats).toHaveLength(0);
  tell({ pulseAge: 2_000 });
  expect(beats).toHaveLength(1);
});

test('after a set-back it may not be all there is until others have had the time to write back', async () => {
  const { feed, clock, tell } = fixture();
  await feed.start();
  expect(feed.isComplete).toBe(true);
  tell({ edition: 2, setBackAt: 'noon' });
  await settle();
  expect([feed.isSynchronized, feed.isComplete]).toEqual([true, false]);
  clock.time += 1_999;
  tell({ edition: 2, setBackAt: 'noon' });
  expect(feed.isComplete).toBe(false);
  clock.time += 1;
  expect(feed.isComplete).toBe(true);
});

test('a set-back from before the first look is none that this instance could know of', async () => {
  const { feed, tell } = fixture({ setBackAt: 'noon' });
  const since: string[] = [];
  feed.onSetBack(async (moment) => void since.push(moment));
  await feed.start();
  tell({ setBackAt: 'noon', edition: 2 });
  await settle();
  expect([since, feed.isComplete]).toEqual([[], true]);
  tell({ setBackAt: 'evening', edition: 3 });
  await soon(() => since.length > 0);
  expect(since).toEqual(['evening']);
});
