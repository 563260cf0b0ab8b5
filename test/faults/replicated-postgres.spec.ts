import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { testDatabaseAt } from '../support/database.js';
import { processList, query } from '../support/postgres-view.js';
import { ReplicatedPostgres } from '../support/replicated-postgres.js';
import { waitFor } from '../support/wait-for.js';

/** The pair itself: that it loses what it says it loses, and nothing else. A fault that does not happen proves nothing. */
let pair: ReplicatedPostgres;

afterEach(() => pair?.stop());

const numbers = async (url: string) => await query(url, 'SELECT array_agg(n ORDER BY n) FROM numbers');

test('a pause, a restart and ended backends lose nothing, a failover what was committed after the cut; under one URL', async () => {
  const before = leftBehind();
  pair = await ReplicatedPostgres.start();
  const { url } = await pair.front();
  await query(url, 'CREATE TABLE numbers (n integer)');
  await pair.pause();
  const waits = query(url, 'INSERT INTO numbers VALUES (1)');
  expect(processList()).toMatch(/\bT\S*\s+postgres:/);
  await pair.resume();
  await waits;

  const ended = expect(testDatabaseAt(url).query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57P01' });
  await waitFor(async () => (await pair.query(`SELECT FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'`)).length);
  await pair.terminateBackends();
  await ended;
  await pair.restart();
  expect(await numbers(url)).toEqual([1]);

  await pair.cut();
  await query(url, 'INSERT INTO numbers VALUES (2)');
  await pair.killPrimary();
  await expect(query(url, 'SELECT 1')).rejects.toThrow();
  await pair.promote();
  expect(await numbers(url)).toEqual([1]);

  // A second failover, without a cut, loses nothing.
  await pair.follow();
  await query(url, 'INSERT INTO numbers VALUES (3)');
  await pair.caughtUp();
  await pair.killPrimary();
  await pair.promote();
  expect(await numbers(url)).toEqual([1, 3]);

  await pair.stop();
  expect(leftBehind()).toEqual(before);
});

test('with a synchronous standby a commit waits for it, and what was acknowledged is not lost', async () => {
  pair = await ReplicatedPostgres.start({ synchronous: true });
  const { url } = await pair.front();
  await query(url, 'CREATE TABLE numbers (n integer)');
  await query(url, 'INSERT INTO numbers VALUES (1)');
  await pair.cut();
  const hangs = testDatabaseAt(url)
    .query('INSERT INTO numbers VALUES (2)')
    .then(
      () => 'acknowledged',
      () => 'in doubt',
    );
  await waitFor(
    async () => (await pair.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).length === 1,
  );
  await pair.killPrimary();
  expect(await hangs).toBe('in doubt');
  await pair.promote();
  expect(await numbers(url)).toEqual([1]);
  await query(url, 'INSERT INTO numbers VALUES (3)');
});

const leftBehind = () => readdirSync(tmpdir()).filter((name) => name.startsWith('gatehouse-pair-'));
