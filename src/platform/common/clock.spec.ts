import { Clock } from './clock.js';

class WallClock extends Clock {
  override wall() {
    return 1_000_000;
  }
}

test('the time is the machine’s until the database’s was measured, and then that', () => {
  const clock = new WallClock();
  expect(clock.now()).toBe(1_000_000);
  clock.adjust({ ms: 3_600_000, error: 20 });
  expect(clock.now()).toBe(4_600_000);
  clock.adjust({ ms: -200, error: 20 });
  expect([clock.now(), clock.databaseOffset]).toEqual([999_800, -200]);
});

test('a measurement that contradicts nothing moves nothing: the time does not tremble', () => {
  const clock = new WallClock();
  for (const ms of [-19, 20, 3]) clock.adjust({ ms, error: 20 });
  expect(clock.databaseOffset).toBe(0);
  // A process that was stopped while it measured knows nothing.
  clock.adjust({ ms: 45_000, error: 60_000 });
  expect(clock.databaseOffset).toBe(0);
  clock.adjust({ ms: 21, error: 20 });
  expect(clock.databaseOffset).toBe(21);
});
