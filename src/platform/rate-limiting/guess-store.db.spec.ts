import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from '../../../test/support/database.js';
import { createRedis, hasRedis, type TestRedis } from '../../../test/support/redis.js';
import { Clock } from '../common/clock.js';
import { dataSourceOptions } from '../database/data-source.js';
import { Database } from '../database/database.js';
import type { GuessRule } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';
import { MemoryGuessStore } from './memory-guess-store.js';
import { PostgresGuessStore } from './postgres-guess-store.js';
import { PREFIX, RedisGuessStore } from './redis-guess-store.js';

interface Opened {
  store: GuessStore;
  /** Whether anything is kept under a key. */
  keeps(key: string): Promise<boolean>;
  /** Makes the places under a key older by as many milliseconds. */
  age(key: string, ms: number): Promise<void>;
  close(): Promise<void>;
}

const STORES: [name: string, open: () => Promise<Opened>][] = [
  ['this process', async () => openMemory()],
  ['Postgres', openPostgres],
  ['Redis, which needs redis-server on the PATH', openRedis],
];

function openMemory(): Opened {
  let ahead = 0;
  const store = new MemoryGuessStore(
    new (class extends Clock {
      override elapsed() {
        return super.elapsed() + ahead;
      }
    })(),
  );
  return {
    store,
    keeps: async (key) => (store as unknown as { counts: Map<string, unknown> }).counts.has(key),
    age: async (_key, ms) => {
      ahead += ms;
    },
    close: async () => {},
  };
}

async function openPostgres(): Promise<Opened> {
  const database: TestDatabase = await createDatabase();
  // It is migrated; to load the migrations from here would take a Node that reads TypeScript.
  const options = { ...dataSourceOptions(database.url, { pool: 8, timeout: 5000 }), migrations: [] };
  const source = await new DataSource(options).initialize();
  return {
    store: new PostgresGuessStore(new Database(source)),
    keeps: async (key) => (await database.query('SELECT FROM guesses WHERE key = $1', [key])).length > 0,
    age: async (key, ms) => {
      const older = 'UPDATE guesses SET pending = ARRAY(SELECT p - $2 FROM unnest(pending) AS p) WHERE key = $1';
      await database.query(older, [key, ms]);
    },
    close: async () => {
      await source.destroy();
      await database.drop();
    },
  };
}

async function openRedis(): Promise<Opened> {
  const redis: TestRedis = await createRedis();
  const client = new Redis(redis.url);
  return {
    store: new RedisGuessStore(client),
    keeps: async (key) => (await client.exists(`${PREFIX}${key}`)) > 0,
    age: async (key, ms) => {
      const name = `${PREFIX}${key}`;
      const places: number[] = JSON.parse((await client.hget(name, 'pending')) ?? '[]');
      await client.hset(name, 'pending', JSON.stringify(places.map((since) => since - ms)));
    },
    close: async () => {
      client.disconnect();
      await redis.drop();
    },
  };
}

function rule(change: Partial<GuessRule> = {}): GuessRule {
  const form = { free: 5, first: 400, most: 1_300, forget: 60_000, consecutive: true, open: false };
  return { key: randomUUID(), ...form, ...change };
}

// A machine without redis-server tries the two others and says so; the one that speaks for the project has it.
if (!hasRedis) process.stderr.write('NOT TRIED: limits in Redis, for want of a redis-server on the PATH.\n');
const tried = STORES.filter(([name]) => hasRedis || process.env.CI === 'true' || !name.startsWith('Redis'));

describe.each(tried)('guesses counted in %s', (_name, open) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());

  const reserve = (...rules: GuessRule[]) => opened.store.reserve(rules);
  /** Settles the guess that was admitted so; another one has nothing to settle. */
  const settle = async (outcome: Outcome, verdict: Verdict, ...rules: GuessRule[]) => {
    if (verdict.kind === 'admitted') await opened.store.settle(rules, verdict.since, outcome);
  };
  async function guess(outcome: Outcome, ...rules: GuessRule[]): Promise<Verdict['kind']> {
    const verdict = await reserve(...rules);
    await settle(outcome, verdict, ...rules);
    return verdict.kind;
  }
  async function refusal(...rules: GuessRule[]) {
    const verdict = await reserve(...rules);
    if (verdict.kind !== 'refused') throw new Error(`Not refused but ${verdict.kind}`);
    return verdict;
  }

  it('lets five be wrong, and then one after each pause, which doubles up to the longest', async () => {
    const one = rule();
    for (let index = 0; index < 5; index++) expect(await guess('wrong', one)).toBe('admitted');
    for (const pause of [400, 800, 1_300, 1_300]) {
      const { waitMs } = await refusal(one);
      expect(waitMs).toBeGreaterThan(pause - 350);
      expect(waitMs).toBeLessThanOrEqual(pause);
      await sleep(waitMs + 5);
      expect(await guess('wrong', one)).toBe('admitted');
    }
    await refusal(one);
  });

  it('starts anew after a right one', async () => {
    const one = rule();
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 4; index++) expect(await guess('wrong', one)).toBe('admitted');
      expect(await guess('right', one)).toBe('admitted');
    }
    for (let index = 0; index < 5; index++) expect(await guess('wrong', one)).toBe('admitted');
    await refusal(one);
  });

  it('admits of fifty at once no more than could still be wrong, and decides the rest by them', async () => {
    const one = rule();
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => reserve(one)));
    expect(verdicts.filter(({ kind }) => kind === 'admitted')).toHaveLength(5);
    expect(verdicts.filter(({ kind }) => kind === 'contended')).toHaveLength(45);
    await Promise.all(verdicts.map((verdict) => settle('wrong', verdict, one)));
    await refusal(one);
  });

  it('admits one at a time after a pause', async () => {
    const one = rule();
    for (let index = 0; index < 5; index++) await guess('wrong', one);
    await sleep(410);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => reserve(one)));
    expect(verdicts.map(({ kind }) => kind).sort()).toEqual(['admitted', ...Array(19).fill('contended')]);
    await Promise.all(verdicts.map((verdict) => settle('right', verdict, one)));
    expect(await guess('right', one)).toBe('admitted');
  });

  it('counts nothing for a guess that could not be checked', async () => {
    const one = rule();
    for (let index = 0; index < 20; index++) expect(await guess('unknown', one)).toBe('admitted');
  });

  it('takes a place under every rule or under none', async () => {
    const [narrow, wide] = [rule({ free: 1 }), rule({ free: 3 })];
    expect(await guess('wrong', wide, narrow)).toBe('admitted');
    for (let index = 0; index < 10; index++) expect((await refusal(wide, narrow)).rule).toBe(1);
    expect(await guess('wrong', wide)).toBe('admitted');
    expect(await guess('wrong', wide)).toBe('admitted');
    expect((await refusal(wide, narrow)).rule).toBe(0);
  });

  it('keeps a count that is not of consecutive guesses after a right one, and forgets it in its time', async () => {
    const address = rule({ free: 3, first: 3_000, most: 3_000, forget: 3_000, consecutive: false });
    await guess('wrong', address);
    const counted = performance.now();
    await sleep(100);
    for (const outcome of ['right', 'wrong', 'right', 'wrong'] as const) await guess(outcome, address);
    const asked = performance.now();
    const { waitMs } = await refusal(address);
    // From the first one on: it was counted before `counted`, and the refusal came after `asked`, however busy the machine.
    expect(waitMs).toBeLessThanOrEqual(3_000 - (asked - counted) + 5);
    await sleep(waitMs + 5);
    for (let index = 0; index < 3; index++) expect(await guess('wrong', address)).toBe('admitted');
    await refusal(address);
  });

  it('lets through and still counts where a rule is open', async () => {
    const account = rule({ free: 2, first: 10_000, most: 10_000 });
    for (let index = 0; index < 2; index++) await guess('wrong', account);
    await refusal(account);
    expect(await guess('wrong', { ...account, open: true })).toBe('admitted');
    await refusal(account);
    expect(await guess('right', { ...account, open: true })).toBe('admitted');
    expect(await guess('wrong', account)).toBe('admitted');
  });

  it('forgets what it is told to forget', async () => {
    const [one, other] = [rule({ free: 1 }), rule({ free: 1 })];
    await guess('wrong', one, other);
    await opened.store.forget([one.key]);
    expect(await guess('unknown', one)).toBe('admitted');
    await refusal(other);
  });

  it('leaves nothing behind that is not counted: a refusal takes no room', async () => {
    const [full, busy, other] = [rule({ free: 1 }), rule({ free: 1 }), rule()];
    await guess('wrong', full);
    const checked = await reserve(busy);
    expect((await refusal(other, full)).rule).toBe(1);
    expect((await reserve(other, busy)).kind).toBe('contended');
    await settle('unknown', checked, busy);
    const keeps = [full, busy, other].map(({ key }) => opened.keeps(key));
    expect(await Promise.all(keeps)).toEqual([true, false, false]);
  });

  it('counts a guess that has died as wrong after a minute, however busy its key is, and only once', async () => {
    const one = rule({ free: 3, first: 60_000, most: 60_000, forget: 600_000 });
    const dead = await reserve(one);
    await opened.age(one.key, 31_000);
    expect(await guess('unknown', one)).toBe('admitted');
    await opened.age(one.key, 31_000);
    expect(await guess('wrong', one)).toBe('admitted');
    await settle('wrong', dead, one);
    expect(await guess('wrong', one)).toBe('admitted');
    await refusal(one);
  });

  it('keeps its promise when rules cross, with no deadlock', async () => {
    const accounts = Array.from({ length: 5 }, () => rule({ free: 10 }));
    const addresses = Array.from({ length: 5 }, () => rule({ free: 10, consecutive: false }));
    const pairs = accounts.flatMap((account) => addresses.map((address) => [account, address] as const));
    const kinds = await Promise.all([...pairs, ...pairs, ...pairs].map((rules) => guess('wrong', ...rules)));
    expect(kinds.filter((kind) => kind === 'admitted').length).toBeLessThanOrEqual(50);
    expect(kinds.filter((kind) => kind === 'admitted').length).toBeGreaterThan(10);
  });
});
