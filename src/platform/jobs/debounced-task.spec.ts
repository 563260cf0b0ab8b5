import { jest } from '@jest/globals';
import { DebouncedTask } from './debounced-task.js';

let task: jest.Mock<() => void>;
let sweeper: DebouncedTask;

beforeEach(() => {
  jest.useFakeTimers();
  task = jest.fn<() => void>();
  sweeper = new DebouncedTask(task);
});

afterEach(() => {
  sweeper.stop();
  jest.useRealTimers();
});

test('a crowd of tellings is one task, a second after the first', () => {
  sweeper.schedule();
  jest.advanceTimersByTime(900);
  sweeper.schedule();
  sweeper.schedule();
  expect(task).not.toHaveBeenCalled();
  jest.advanceTimersByTime(100);
  expect(task).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(600_000);
  expect(task).toHaveBeenCalledTimes(1);
});

test('what is told during the task is done with the next', () => {
  task.mockImplementationOnce(() => sweeper.schedule());
  sweeper.schedule();
  jest.advanceTimersByTime(2_000);
  expect(task).toHaveBeenCalledTimes(2);
});

test('started, it does the task every five minutes unasked', () => {
  sweeper.start();
  jest.advanceTimersByTime(900_000);
  expect(task).toHaveBeenCalledTimes(3);
});

test('stopped, it does nothing more, however often it is told', () => {
  sweeper.start();
  sweeper.schedule();
  sweeper.stop();
  sweeper.schedule();
  jest.advanceTimersByTime(900_000);
  expect(task).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});
