import { jest } from '@jest/globals';
import { createLock } from '../../client/src/lock.js';
import { FakeLocks } from '../support/fake-locks.js';

/** A lock over all tabs, of which one may be frozen while it holds it. */
const NAME = 'gatehouse http://gatehouse.test';

let locks: FakeLocks;

beforeEach(() => {
  jest.useFakeTimers();
  locks = new FakeLocks();
});

afterEach(() => {
  jest.useRealTimers();
});

const pass = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);

/** A tab that wants the lock: whether it has begun, and what ends its work. */
function tab(id: string) {
  let end = (_result: string): void => undefined;
  const state = { begun: false, result: undefined as string | undefined };
  const work = () => {
    state.begun = true;
    return new Promise<string>((resolve) => {
      end = resolve;
    });
  };
  const done = createLock({ locks: locks.of(id) })(NAME, work).then((result) => {
    state.result = result;
  });
  return { state, done, end: (result: string) => end(result) };
}

it('lets one tab work at a time, in the order in which they came', async () => {
  const tabs = ['a', 'b', 'c'].map(tab);
  for (const [at, { state, done, end }] of tabs.entries()) {
    await pass(1_000);
    expect(tabs.map((other) => other.state.begun)).toEqual(tabs.map((_, index) => index <= at));
    end('done');
    await done;
    expect(state.result).toBe('done');
  }
});

it('takes it after five seconds from a tab that does not give it back, whose own work counts when it wakes up', async () => {
  const frozen = tab('frozen');
  await pass(60_000);
  const next = tab('next');
  await pass(4_900);
  expect(next.state.begun).toBe(false);
  await pass(200);
  expect(next.state.begun).toBe(true);
  frozen.end('late');
  await frozen.done;
  expect(frozen.state.result).toBe('late');
  next.end('done');
  await next.done;
  const third = tab('third');
  await pass(0);
  expect(third.state.begun).toBe(true);
});

it('takes it from no tab that came to it meanwhile', async () => {
  const frozen = tab('frozen');
  await pass(0);
  const [first, second] = [tab('first'), tab('second')];
  await pass(5_100);
  const begun = () => [first, second].filter(({ state }) => state.begun).length;
  expect(begun()).toBeGreaterThan(0);
  await pass(1_000);
  const holder = first.state.begun ? first : second;
  holder.end('done');
  await holder.done;
  await pass(5_100);
  expect(begun()).toBe(2);
  frozen.end('late');
  (holder === first ? second : first).end('done');
  await Promise.all([frozen.done, first.done, second.done]);
});

it('goes on without a lock where a page may not have one', async () => {
  const refused = {
    query: async () => ({}),
    request: () => Promise.reject(new DOMException('opaque origin', 'SecurityError')),
  };
  expect(await createLock({ locks: refused })(NAME, async () => 'done')).toBe('done');
});

it('fails as the work fails, and is free again', async () => {
  const lock = createLock({ locks: locks.of('a') });
  await expect(lock(NAME, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await lock(NAME, async () => 'done')).toBe('done');
});
