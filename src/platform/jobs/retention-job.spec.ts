import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Database } from '../database/database.js';
import { type Removal, RetentionJob } from './retention-job.js';

const SCHEDULE = { interval: 60_000, batch: 10 };

let query: jest.Mock<(sql: string, values: unknown[]) => Promise<[unknown[], number]>>;
let job: RetentionJob;
let logger: Logger;
let warn: jest.Spied<Logger['warn']>;

beforeEach(() => {
  jest.useFakeTimers();
  query = jest.fn<(sql: string, values: unknown[]) => Promise<[unknown[], number]>>().mockResolvedValue([[], 0]);
  job = new RetentionJob({ manager: { query } } as unknown as Database, SCHEDULE);
  logger = new Logger('Test');
  warn = jest.spyOn(logger, 'warn').mockReturnValue(undefined);
});

afterEach(() => {
  job.onModuleDestroy();
  jest.useRealTimers();
});

/** A table of so many rows that are out of date. */
function table(rows: number): jest.Mock<Removal> {
  return jest.fn<Removal>(async (batch) => {
    const removed = Math.min(batch, rows);
    rows -= removed;
    return removed;
  });
}

test('removes at the start and once in every interval', async () => {
  const removal = table(0);
  job.register('Rows', logger, removal);
  job.onApplicationBootstrap();
  expect(removal).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(59_999);
  expect(removal).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(removal).toHaveBeenCalledTimes(2);
});

test('goes from batch to batch until one is not full', async () => {
  const [first, second] = [table(25), table(20)];
  job.register('Rows', logger, first, second);
  await job.run();
  expect(first).toHaveBeenCalledTimes(3);
  expect(second).toHaveBeenCalledTimes(3);
  expect(first.mock.calls).toEqual([[10], [10], [10]]);
});

test('a statement takes the batch and then its values', async () => {
  query.mockResolvedValueOnce([[], 10]);
  job.register('Rows', logger, job.statement('DELETE', ['a day']));
  await job.run();
  expect(query.mock.calls).toEqual([
    ['DELETE', [10, 'a day']],
    ['DELETE', [10, 'a day']],
  ]);
});

test('what fails is logged by its module, and keeps nothing else from being removed', async () => {
  const after = table(0);
  const skipped = table(0);
  job.register('Rows', logger, () => Promise.reject(new Error('no table')), skipped);
  job.register('Others', logger, after);
  await job.run();
  expect(warn.mock.calls).toEqual([['Rows could not be removed: Error: no table']]);
  expect(skipped).not.toHaveBeenCalled();
  expect(after).toHaveBeenCalledTimes(1);
  await job.run();
  expect(after).toHaveBeenCalledTimes(2);
});

test('a removal that takes longer than the interval is not begun a second time beside itself', async () => {
  let finish = (_: number) => {};
  const removal = jest.fn<Removal>(() => new Promise((resolve) => (finish = resolve)));
  job.register('Rows', logger, removal);
  job.onApplicationBootstrap();
  await jest.advanceTimersByTimeAsync(180_000);
  expect(removal).toHaveBeenCalledTimes(1);
  finish(0);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(removal).toHaveBeenCalledTimes(2);
});

test('stopped, it begins no further batch, says nothing of what the stop cut off, and never starts again', async () => {
  let fail = (_: Error) => {};
  const removal = jest.fn<Removal>(() => new Promise((_, reject) => (fail = reject)));
  const other = table(100);
  job.register('Rows', logger, removal);
  job.register('Others', logger, other);
  job.onApplicationBootstrap();
  job.onModuleDestroy();
  fail(new Error('The pool is closed'));
  await jest.advanceTimersByTimeAsync(600_000);
  expect(removal).toHaveBeenCalledTimes(1);
  expect(other).not.toHaveBeenCalled();
  expect(warn).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});
