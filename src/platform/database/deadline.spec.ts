import { Deadline } from './deadline.js';

let now = 0;
let deadline: Deadline;

beforeEach(() => {
  now = 1_000;
  deadline = new Deadline(3_000, () => now);
});

test('waits add up, and what lies between them costs nothing', () => {
  deadline.begin();
  now += 1_000;
  expect(deadline.left).toBe(2_000);
  deadline.end();
  now += 60_000;
  expect(deadline.left).toBe(2_000);
  deadline.begin();
  now += 500;
  deadline.end();
  expect(deadline.left).toBe(1_500);
});

test('waits that overlap count once', () => {
  deadline.begin();
  now += 100;
  deadline.begin();
  now += 100;
  deadline.end();
  now += 100;
  deadline.end();
  expect(deadline.left).toBe(2_700);
});

test('once the request is answered there is no limit any more', () => {
  deadline.begin();
  now += 10_000;
  expect(deadline.left).toBeLessThan(0);
  deadline.finish();
  expect(deadline.left).toBe(Number.POSITIVE_INFINITY);
});
