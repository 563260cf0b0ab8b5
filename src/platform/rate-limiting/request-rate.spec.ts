import { cpuTime } from '../../../test/support/cpu-time.js';
import { Clock } from '../common/clock.js';
import { REQUEST_LIMIT, RequestRate, SITE_LIMIT, WINDOW } from './request-rate.js';

class TestClock extends Clock {
  time = 0;
  override elapsed() {
    return this.time;
  }
}

let clock: TestClock;
let rate: RequestRate;
beforeEach(() => {
  clock = new TestClock();
  rate = new RequestRate(clock);
});

it('counts each address in a window that starts with its first request', () => {
  for (let index = 1; index <= REQUEST_LIMIT + 1; index++) expect(rate.count('192.0.2.1').used).toBe(index);
  expect(rate.count('192.0.2.2').used).toBe(1);
  clock.time = WINDOW - 1;
  expect(rate.count('192.0.2.1').used).toBe(REQUEST_LIMIT + 2);
  clock.time = WINDOW;
  expect(rate.count('192.0.2.1')).toEqual({ used: 1, limit: REQUEST_LIMIT, endsAt: 2 * WINDOW });
});

it('counts IPv6 by /64', () => {
  rate.count('2001:db8::1');
  expect(rate.count('2001:db8::2').used).toBe(2);
  expect(rate.count('2001:db8:0:1::2').used).toBe(1);
});

describe('a /48', () => {
  const at = (index: number) => `2001:db8:7:${index.toString(16)}::1`;

  it('has ten times as many, from however many of its networks they come, and its neighbour loses nothing', () => {
    for (let index = 0; index < SITE_LIMIT; index++) {
      const { used, limit } = rate.count(at(index));
      expect(used).toBeLessThanOrEqual(limit);
    }
    expect(rate.count(at(9_000))).toEqual({ used: SITE_LIMIT + 1, limit: SITE_LIMIT, endsAt: WINDOW });
    expect(rate.count(at(1)).used).toBeGreaterThan(SITE_LIMIT);
    expect(rate.count('2001:db8:8::1')).toMatchObject({ used: 1, limit: REQUEST_LIMIT });
    clock.time = WINDOW;
    expect(rate.count(at(9_000))).toMatchObject({ used: 1, limit: REQUEST_LIMIT });
  });

  it('is not used up by one of its networks alone', () => {
    for (let index = 0; index < 2 * SITE_LIMIT; index++) rate.count(at(1));
    expect(rate.count(at(2))).toMatchObject({ used: 1, limit: REQUEST_LIMIT });
  });
});

it('keeps a bounded number of addresses, and those of the flooder go first that came first', () => {
  for (let index = 0; index < 60_000; index++)
    rate.count(`2001:db8:${(index >> 8).toString(16)}:${(index & 255).toString(16)}::1`);
  expect((rate as unknown as { windows: { windows: Map<string, unknown> } }).windows.windows.size).toBeLessThanOrEqual(
    50_000,
  );
  expect(rate.count('2001:db8:ea:5f::9').used).toBe(2);
});

it('costs less than a microsecond of the processor', async () => {
  const addresses = Array.from({ length: 1_000 }, (_, index) => `192.0.${index >> 8}.${index & 255}`);
  const work = () => {
    for (let index = 0; index < 100_000; index++) rate.count(addresses[index % 1000] as string);
  };
  // Until it is compiled.
  work();
  expect(await cpuTime(work)).toBeLessThan(100);
});
