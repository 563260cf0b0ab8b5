import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Clock } from '../common/clock.js';
import type { Database } from '../database/database.js';
import { Outbox } from './outbox.js';

const HOUR = 3_600_000;

let now: number;
let works: boolean;
let lines: string[];
let outbox: Outbox;

beforeEach(() => {
  [now, works, lines] = [0, true, []];
  const run = async () => {
    if (works) return [];
    throw new Error('permission denied for table mail_outbox');
  };
  const database = { run, manager: { query: run } } as unknown as Database;
  outbox = new Outbox('mail', 'mail', database, { elapsed: () => now } as Clock);
  for (const level of ['error', 'log'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation((line: string) => void lines.push(line));
});

afterEach(() => {
  jest.restoreAllMocks();
});

test('a database that does nothing is told once when that begins, once an hour, and once when it is over', async () => {
  const trouble = 'Mails cannot be claimed; trying again: Error: permission denied for table mail_outbox';
  await outbox.claim(1);
  expect(lines).toEqual([]);
  works = false;
  for (let i = 0; i < 3; i++) expect(await outbox.claim(1)).toEqual([]);
  expect(lines).toEqual([trouble]);
  now = HOUR - 1;
  await outbox.claim(1);
  expect(lines).toHaveLength(1);
  now = HOUR;
  await outbox.claim(1);
  expect(lines).toEqual([trouble, trouble]);
  works = true;
  for (let i = 0; i < 3; i++) await outbox.claim(1);
  expect(lines).toEqual([trouble, trouble, 'Mails can be claimed again']);
});

test('every statement has a line of its own, and none throws', async () => {
  works = false;
  await outbox.claim(1);
  await outbox.renew(['id']);
  await outbox.postpone('id', 0, 'a reason', true);
  expect(await outbox.remove('id')).toBe(false);
  const what = lines.map((line) => /^Mails cannot be (.*);/.exec(line)?.[1]);
  expect(what).toEqual(['claimed', 'kept', 'given back', 'removed']);
  works = true;
  expect(await outbox.remove('id')).toBe(true);
  expect(lines.at(-1)).toBe('Mails can be removed again');
});
