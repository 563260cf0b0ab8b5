import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { SlowReader } from '../support/slow-reader.js';
import { type SignedUp, signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** Much is asked for and nothing is read: what waits for clients that do not take it is bounded, and given up in time. */
const PATH = '/v1/users/me/export';
const CHANGES = 3_000;

let database: TestDatabase;
let gatehouse: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({
    DATABASE_URL: database.url,
    NODE_OPTIONS: `--import=${new URL('../support/loop-delay.js', import.meta.url).href}`,
  });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** An account whose profile was changed so many times, with so many bytes written down of each. */
async function changed(count: number, bytes = 20): Promise<SignedUp> {
  const person = await signUp(gatehouse);
  await database.query(
    `INSERT INTO audit_events (id, type, actor_id, user_id, ip, user_agent, request_id, data)
     SELECT new_id_at(now() - interval '1 day' + n * interval '1 ms'), 'user.updated', $1, $1, '192.0.2.1',
       'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'request-' || n,
       jsonb_build_object('fields', repeat('x', $3::integer))
     FROM generate_series(1, $2::integer) AS n`,
    [person.user.id, count, bytes],
  );
  return person;
}

/** MB that the process holds. */
const memory = () => Number(execFileSync('ps', ['-o', 'rss=', '-p', String(gatehouse.process.pid)])) / 1024;
const begin = ({ accessToken }: SignedUp) => SlowReader.open(gatehouse.url + PATH, accessToken);
const underWay = async () => (await database.query('SELECT FROM account_exports')).length;

/** The longest that the event loop has stood still since it was asked last, ms. */
async function longestDelay(): Promise<number> {
  const told = () => [...gatehouse.output.matchAll(/Loop delay: (\d+) ms/g)];
  const before = told().length;
  gatehouse.process.kill('SIGUSR2');
  await waitFor(() => told().length > before);
  return Number(told().at(-1)?.[1]);
}

test('300 exports that nobody reads take next to no memory', async () => {
  const person = await changed(CHANGES);
  const before = memory();
  const readers = await Promise.all(Array.from({ length: 300 }, () => begin(person)));
  const grown = memory() - before;
  expect(readers.filter(({ status }) => status === 200).length).toBeLessThan(10);
  expect(new Set(readers.map(({ status }) => status))).toEqual(new Set([200, 429]));
  expect(grown).toBeLessThan(150);
  for (const reader of readers) reader.close();
});

test('exports of many accounts at once hold nobody up', async () => {
  const people = [];
  for (let n = 0; n < 20; n++) people.push(await changed(CHANGES));
  await longestDelay();
  // How long the loop stands still on this machine, as busy as it is, while as many small answers are made.
  await Promise.all(people.map(({ accessToken: token }) => gatehouse.call('GET', '/v1/users/me', { token })));
  const usual = await longestDelay();
  const exports = Promise.all(people.map(async (person) => (await begin(person)).rest()));
  const { status } = await gatehouse.call('GET', '/health/live');
  expect(status).toBe(200);
  for (const { status, text, whole } of await exports) {
    expect([status, whole]).toEqual([200, true]);
    expect(JSON.parse(text).activity).toHaveLength(CHANGES + 2);
  }
  expect(await longestDelay()).toBeLessThan(Math.max(200, usual * 5));
});

test('an answer of which nothing is taken is given up, and one that is read meanwhile is not', async () => {
  const [idle, reading] = [await changed(2_000, 4_000), await changed(2_000, 4_000)];
  const [left, read] = [await begin(idle), await begin(reading)];
  expect(await underWay()).toBe(2);
  expect((await read.rest()).whole).toBe(true);
  await waitFor(async () => (await underWay()) === 0, { within: 60_000 });
  const { text, whole } = await left.rest();
  expect(whole).toBe(false);
  expect(() => JSON.parse(text)).toThrow();
}, 120_000);

test('10 000 requests on one connection whose answers nobody reads end it, and take next to no memory', async () => {
  const { hostname, port } = new URL(gatehouse.url);
  const before = memory();
  const sockets = Array.from({ length: 10 }, () => {
    const socket = connect(Number(port), hostname, () =>
      socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(10_000)),
    );
    return socket;
  });
  await Promise.all(
    sockets.map(
      (socket) => new Promise<void>((resolve) => socket.on('error', () => resolve()).on('close', () => resolve())),
    ),
  );
  expect(memory() - before).toBeLessThan(150);
  expect((await gatehouse.call('GET', '/health/live')).status).toBe(200);
});
