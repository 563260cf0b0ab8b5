import { Clock } from '../../common/clock.js';
import { Flood } from './flood.js';

class MovedClock extends Clock {
  time = 0;
  override elapsed() {
    return this.time;
  }
}

test('a hundred changes in a second are none, more are one, and it ends a second after it has', () => {
  const clock = new MovedClock();
  const flood = new Flood(clock);
  const add = (changes: number, after: number) => {
    clock.time += after;
    flood.add(changes);
    return flood.isOn;
  };
  expect(add(100, 0)).toBe(false);
  expect(add(100, 1_000)).toBe(false);
  expect(add(1, 500)).toBe(true);
  expect(add(0, 500)).toBe(true);
  expect(add(0, 500)).toBe(true);
  expect(add(0, 500)).toBe(false);
  expect(add(5_000, 60_000)).toBe(true);
});
