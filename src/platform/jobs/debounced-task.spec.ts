import { jest } from '@jest/globals';
import { currentDeadline, Deadline, underDeadline } from '../database/deadline.js';
import { DebouncedTask } from './debounced-task.js';

let task: jest.Mock<() => void>;
let debounced: DebouncedTask;

beforeEach(() => {
  jest.useFakeTimers();
  task = jest.fn<() => void>();
  debounced = new DebouncedTask(task);
});

afterEach(() => {
  debounced.stop();
  jest.useRealTimers();
});

test('a crowd of tellings is one task, a second after the first', () => {
  debounced.schedule();
  jest.advanceTimersByTime(900);
  debounced.schedule();
  debounced.schedule();
  expect(task).not.toHaveBeenCalled();
  jest.advanceTimersByTime(100);
  expect(task).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(600_000);
  expect(task).toHaveBeenCalledTimes(1);
});

test('what a request has told is done outside of its deadline', () => {
  const deadlines: unknown[] = [];
  task.mockImplementationOnce(() => void deadlines.push(currentDeadline()));
  // A timer runs in the context in which it was set, which these do not keep by themselves.
  underDeadline(new Deadline(3_000), () => {
    debounced.schedule();
    jest.advanceTimersByTime(1_000);
  });
  expect(deadlines).toEqual([undefined]);
});

test('what is told during the task is done with the next', () => {
  task.mockImplementationOnce(() => debounced.schedule());
  debounced.schedule();
  jest.advanceTimersByTime(2_000);
  expect(task).toHaveBeenCalledTimes(2);
});

test('a task that takes its time is done by itself, and what is told meanwhile after it', async () => {
  const turns: (() => void)[] = [];
  const slow = jest.fn(() => new Promise<void>((resolve) => turns.push(resolve)));
  const one = new DebouncedTask(slow);
  one.schedule();
  jest.advanceTimersByTime(1_000);
  one.schedule();
  jest.advanceTimersByTime(5_000);
  expect(slow).toHaveBeenCalledTimes(1);
  turns[0]?.();
  await Promise.resolve();
  await Promise.resolve();
  jest.advanceTimersByTime(1_000);
  expect(slow).toHaveBeenCalledTimes(2);
  one.stop();
});

test('started, it does the task every five minutes unasked', () => {
  debounced.start();
  jest.advanceTimersByTime(900_000);
  expect(task).toHaveBeenCalledTimes(3);
});

test('stopped, it does nothing more, however often it is told', () => {
  debounced.start();
  debounced.schedule();
  debounced.stop();
  debounced.schedule();
  jest.advanceTimersByTime(900_000);
  expect(task).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});
