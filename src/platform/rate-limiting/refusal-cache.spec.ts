import { Clock } from '../common/clock.js';
import { Problem } from '../http/problem.js';
import { RefusalCache } from './refusal-cache.js';

class TestClock extends Clock {
  time = 0;
  override elapsed() {
    return this.time;
  }
}

let clock: TestClock;
let refusals: RefusalCache;
beforeEach(() => {
  clock = new TestClock();
  refusals = new RefusalCache(clock);
});

/** The Retry-After that a request is refused with, or null where it goes on. */
function outcome(ask: () => void): string | null {
  try {
    ask();
    return null;
  } catch (error) {
    if (error instanceof Problem && error.code === 'rate_limited') return error.headers['retry-after'] ?? '';
    throw error;
  }
}
const recall = (key: string) => outcome(() => refusals.assertNotBlocked(key));

it('lets one request in a second go on, and tells the others how long it still takes', () => {
  const problem = refusals.remember(['a', 'b'], 5, 8_000);
  expect([problem.status, problem.headers['retry-after'], problem.headers['ratelimit-limit']]).toEqual([429, '8', '5']);
  expect([recall('a'), recall('b'), recall('c')]).toEqual(['8', '8', null]);
  clock.time = 1_000;
  expect([recall('a'), recall('a'), recall('a'), recall('b'), recall('b')]).toEqual([null, '7', '7', null, '7']);
  clock.time = 1_999;
  expect(recall('a')).toBe('7');
  clock.time = 2_000;
  expect([recall('a'), recall('a')]).toEqual([null, '6']);
});

it('ends with the time of the refusal, and when it is forgotten', () => {
  refusals.remember(['a', 'b', 'c'], 5, 500);
  clock.time = 500;
  expect(recall('a')).toBeNull();
  refusals.remember(['a', 'b', 'c'], 5, 60_000);
  refusals.forget(['a', 'b']);
  expect([recall('a'), recall('b'), recall('c')]).toEqual([null, null, '60']);
  refusals.forgetAll();
  expect(recall('c')).toBeNull();
});

it('is forgotten after 30 s, however long the refusal was to stand, and after no less', () => {
  refusals.remember(['a'], 5, 3_600_000);
  clock.time = 29_999;
  expect([recall('a'), recall('a')]).toEqual([null, '3571']);
  clock.time = 30_000;
  expect([recall('a'), recall('a')]).toEqual([null, null]);
});

it('refuses who came before the refusal, and lets who came after it find out', () => {
  clock.time = 100;
  refusals.remember(['a'], 5, 2_000);
  const since = (time: number) => outcome(() => refusals.assertNotBlockedSince(time, ['other', 'a']));
  expect([since(0), since(100), since(101)]).toEqual(['2', '2', null]);
  clock.time = 2_100;
  expect(since(0)).toBeNull();
});
