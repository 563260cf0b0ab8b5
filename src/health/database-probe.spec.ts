import { Clock } from '../platform/common/clock.js';
import type { Database } from '../platform/database/database.js';
import { DatabaseProbe } from './database-probe.js';

class TestClock extends Clock {
  time = 0;
  override elapsed() {
    return this.time;
  }
}

let clock: TestClock;
let asked: string[];
let answers: () => Promise<boolean>;
let isMigrated: () => Promise<boolean>;
let probe: DatabaseProbe;

beforeEach(() => {
  clock = new TestClock();
  asked = [];
  answers = async () => true;
  isMigrated = async () => true;
  const ask = (what: string, work: () => Promise<boolean>) => {
    asked.push(what);
    return work();
  };
  const database = {
    answers: () => ask('answers', answers),
    isMigrated: () => ask('isMigrated', isMigrated),
  } as unknown as Database;
  probe = new DatabaseProbe(database, clock);
});

const FIT = { answers: true, migrated: true };
/** A thousand at once. */
const crowd = () => Promise.all(Array.from({ length: 1_000 }, () => probe.look()));

it('asks the database once a second, for all callers, and for its migrations once (ASVS 5.0, 15.2.2)', async () => {
  expect(new Set(await crowd())).toEqual(new Set([FIT]));
  expect(asked).toEqual(['answers', 'isMigrated']);
  clock.time = 999;
  await crowd();
  expect(asked).toHaveLength(2);
  clock.time = 1_000;
  await crowd();
  clock.time = 2_000;
  await crowd();
  expect(asked).toEqual(['answers', 'isMigrated', 'answers', 'answers']);
});

it('says within a second that the database is gone, and that it is back', async () => {
  await probe.look();
  answers = async () => Promise.reject(new Error('gone'));
  clock.time = 1_000;
  expect(await probe.look()).toEqual({ answers: false, migrated: true });
  answers = async () => true;
  clock.time = 2_000;
  expect(await probe.look()).toEqual(FIT);
});

it('asks a database that does not answer no second time meanwhile', async () => {
  let fail = (_: Error) => {};
  answers = () =>
    new Promise((_, reject) => {
      fail = reject;
    });
  const looks = crowd();
  clock.time = 3_000;
  const late = probe.look();
  fail(new Error('no answer'));
  expect(new Set(await looks)).toEqual(new Set([{ answers: false, migrated: false }]));
  expect(await late).toEqual({ answers: false, migrated: false });
  expect(asked).toEqual(['answers']);
});

it('asks again for migrations until there are none left', async () => {
  isMigrated = async () => false;
  expect(await probe.look()).toEqual({ answers: true, migrated: false });
  isMigrated = async () => true;
  clock.time = 1_000;
  expect(await probe.look()).toEqual(FIT);
});
