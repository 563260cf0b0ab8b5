import { PassThrough } from 'node:stream';
import { jest } from '@jest/globals';
import { Progress } from './progress.js';

let written: string;
let clock: jest.SpiedFunction<() => number>;
const env = { ...process.env };

/** What a stream of this kind is given, of which the cursor's ways are left out. */
function stream(isTTY: boolean): NodeJS.WriteStream {
  const target = new PassThrough().on('data', (chunk) => (written += chunk));
  const still = () => true;
  return Object.assign(target, { isTTY, columns: 80, cursorTo: still, clearLine: still, moveCursor: still }) as never;
}

beforeEach(() => {
  written = '';
  delete process.env.CI;
  process.env.TERM = 'xterm';
  clock = jest.spyOn(performance, 'now').mockReturnValue(1_000);
});

afterEach(() => {
  jest.restoreAllMocks();
  process.env = { ...env };
});

test('a person sees how much is done, and how long the rest may take', () => {
  const progress = new Progress('users', 1_000, stream(true));
  clock.mockReturnValue(11_000);
  progress.update(40, 250);
  expect(written).toContain('40 users, 25 %, 30 s left');
  clock.mockReturnValue(101_000);
  progress.update(70, 300);
  expect(written).toContain('70 users, 30 %, 4 min left');
  progress.update(99, 1_010);
  expect(written).toContain('99 users, 100 %, 0 s left');
  progress.stop();
  // The cursor is back.
  expect(written.endsWith('\x1b[?25h')).toBe(true);
});

test('work without a known end has a count alone, and so has what has only begun', () => {
  for (const progress of [new Progress('entries', undefined, stream(true)), new Progress('entries', 9, stream(true))]) {
    progress.update(7);
    progress.stop();
  }
  expect(written).toContain('7 entries');
  expect(written).not.toMatch(/%|left/);
});

test.each([
  ['a pipe', false, {}],
  ['a build', true, { CI: 'true' }],
  ['a terminal that moves no cursor', true, { TERM: 'dumb' }],
])('%s gets nothing', (_what, isTTY, settings) => {
  Object.assign(process.env, settings);
  const progress = new Progress('users', 1_000, stream(isTTY));
  progress.update(40, 250);
  progress.stop();
  expect(written).toBe('');
});
