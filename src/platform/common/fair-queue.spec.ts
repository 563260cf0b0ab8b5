import { AsyncLocalStorage } from 'node:async_hooks';
import fc from 'fast-check';
import { FairQueue } from './fair-queue.js';

class Full extends Error {}

/** A queue whose jobs end when the test says so. */
function bench(workers: number, capacity: number) {
  const queue = new FairQueue(workers, capacity, () => new Full());
  const started: string[] = [];
  const refused: string[] = [];
  const ends: (() => void)[] = [];
  const add = (from: string, name = from) =>
    queue
      .run(from.split(' '), () => {
        started.push(name);
        return new Promise<void>((resolve) => ends.push(resolve));
      })
      .catch((error) => {
        if (!(error instanceof Full)) throw error;
        refused.push(name);
      });
  const endOne = async () => {
    ends.shift()?.();
    await new Promise(setImmediate);
  };
  return { queue, started, refused, add, endOne };
}

const settle = () => new Promise(setImmediate);

it('lets one client use all of it while nobody else comes', async () => {
  const { add, started, refused } = bench(2, 8);
  for (let index = 0; index < 12; index++) void add('a');
  await settle();
  expect([started.length, refused.length]).toEqual([2, 2]);
});

it('gives a newcomer the place of the newest job of the address that has most, and the next turn', async () => {
  const { add, started, refused, endOne } = bench(1, 4);
  for (const name of ['a0', 'a1', 'a2', 'a3', 'a4']) void add('a', name);
  void add('b', 'b0');
  await settle();
  expect(refused).toEqual(['a4']);
  await endOne();
  await endOne();
  expect(started).toEqual(['a0', 'a1', 'b0']);
});

it('does a job that has waited in the context of its own caller, not of the job before', async () => {
  const caller = new AsyncLocalStorage<string>();
  const queue = new FairQueue(1, 4, () => new Full());
  const ask = (name: string) =>
    caller.run(name, () =>
      queue.run([name], async () => {
        await settle();
        return caller.getStore();
      }),
    );
  expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['a', 'b', 'c']);
});

it('refuses the address that floods and no other, however the flood comes', async () => {
  const { add, refused } = bench(2, 16);
  for (let index = 0; index < 100; index++) void add('flood');
  for (let index = 0; index < 8; index++) void add(`other-${index}`);
  for (let index = 0; index < 100; index++) void add('flood');
  await settle();
  expect(new Set(refused)).toEqual(new Set(['flood']));
});

it('gives a newcomer a place and the next turn where all others are of one network, each with one job', async () => {
  const { add, started, refused, endOne } = bench(1, 4);
  for (const name of ['n a', 'n b', 'n c', 'n d', 'n e']) void add(name);
  void add('m a');
  await settle();
  expect(refused).toEqual(['n e']);
  await endOne();
  await endOne();
  expect(started).toEqual(['n a', 'n b', 'm a']);
});

it('is fair within a network too', async () => {
  const { add, refused } = bench(1, 4);
  for (const name of ['run it', 'n a', 'n a', 'n a', 'm a']) void add(name);
  void add('n b', 'newcomer');
  await settle();
  expect(refused).toEqual(['n a']);
});

it('takes from the widest share that has too much, and not from a neighbour who has little', async () => {
  const { add, refused } = bench(1, 6);
  for (const name of ['run x it', 'other n a', 'other n b', 'other n c', 'other m a', 'known k a', 'known k a'])
    void add(name);
  void add('known l a');
  await settle();
  expect(refused).toEqual(['other n c']);
});

it('does not shed for an address that would then have as much', async () => {
  const { add, refused } = bench(1, 4);
  for (const name of ['run', 'a', 'a', 'b', 'b']) void add(name);
  void add('a');
  void add('b');
  await settle();
  expect(refused).toEqual(['a', 'b']);
});

it('goes on after a job that fails', async () => {
  const queue = new FairQueue(1, 1, () => new Full());
  const failed = queue.run(['a'], () => Promise.reject(new Error('no')));
  const next = queue.run(['a'], async () => 'done');
  await expect(failed).rejects.toThrow('no');
  await expect(next).resolves.toBe('done');
});

it('never runs or holds more than it may, loses no job, and serves all', async () => {
  const arrivals = fc.array(fc.constantFrom('x n a', 'x n b', 'x m a', 'y n a', 'end'), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      arrivals,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 6 }),
      async (steps, workers, room) => {
        const { add, started, refused, endOne } = bench(workers, room);
        let added = 0;
        let ended = 0;
        for (const step of steps) {
          if (step === 'end') {
            if (started.length > ended) ended++;
            await endOne();
          } else {
            added++;
            void add(step);
          }
          await settle();
          expect(started.length - ended).toBeLessThanOrEqual(workers);
          expect(added - started.length - refused.length).toBeLessThanOrEqual(room);
        }
        while (started.length > ended) {
          ended++;
          await endOne();
        }
        expect(started.length + refused.length).toBe(added);
      },
    ),
  );
});
