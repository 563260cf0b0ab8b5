// How soon the end of a session is felt on another instance, and what that costs: node bench/revocation.js [felt] [flood]
// [everybody] [update] [start]. Each names its bar and ends the run with 1 where it is missed. By environment: FEED (notify or
// poll), SECONDS, RATE (logouts a second), REFRESHES (a second), SESSIONS, REVOKED.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { call, migrate, openDatabase, startPostgres, startServer } from './support/server.js';
import { quantile } from './support/statistics.js';

const { FEED = 'notify' } = process.env;
const number = (/** @type {string} */ name, /** @type {number} */ standard) => Number(process.env[name] ?? standard);
const SECONDS = number('SECONDS', 60);
const RATE = number('RATE', 1_000);
const REFRESHES = number('REFRESHES', 500);
const SESSIONS = number('SESSIONS', 1_000_000);
const REVOKED = number('REVOKED', 500_000);
const PASSWORD = 'violet tractor under snow';
/** Sessions that are ended one by one to measure. */
const SAMPLES = 200;
const PAGE = 100_000;
/** Milliseconds. */
const FELT = FEED === 'poll' ? 350 : 100;

/** $1 user, $2 how many; the id says when a session was opened */
const FILL = `
  INSERT INTO sessions (id, user_id, secret_hash, expires_at, auth_methods)
  SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
    || '8' || substr(md5(random()::text), 1, 15))::uuid, $1, sha256(n::text::bytea), now() + interval '30 days', '{password}'
  FROM generate_series(1, $2::integer) AS n`;
const END = 'UPDATE sessions SET revoked_at = now() WHERE id = $1';
/** As dear as an end, but for what an end makes the database tell. */
const TOUCH = 'UPDATE sessions SET last_used_at = now() WHERE id = $1';

/** @typedef {{ user: { id: string }, session: { id: string }, accessToken: string, refreshToken: string }} Person */
/** @typedef {{ url: string, pid: number }} Server */
/** @typedef {{ url: string, client: import('pg').Client }} Place */

const postgres = await startPostgres();
/** @type {(() => Promise<unknown>)[]} */
const stops = [postgres.stop];
const MEASUREMENTS = { felt, flood, everybody, update, start };
try {
  const { url, client } = await openDatabase(postgres.url, 'revocation');
  await migrate(url);
  stops.unshift(() => client.end());
  const asked = process.argv.slice(2);
  for (const [name, measure] of Object.entries(MEASUREMENTS))
    if (asked.length === 0 || asked.includes(name)) await measure({ url, client });
} finally {
  for (const stop of stops) await stop();
}

/** How soon a logout on one instance is felt on the other, while refreshes go on. @param {Place} place */
async function felt(place) {
  await withServers(place, async (one, two) => {
    const people = await signUp(one, SAMPLES + 64);
    const tokens = people.splice(0, 64).map(({ refreshToken }) => refreshToken);
    const load = background('refresher', { urls: [one.url, two.url], tokens, rate: REFRESHES });
    const waits = [];
    for (const { accessToken } of people) {
      await call(`${one.url}/v1/auth/logout`, { method: 'POST', token: accessToken });
      waits.push(await refusedAfter(two, accessToken));
    }
    const reached = await load.end();
    report(`felt, ${FEED}, at ${reached.toFixed(0)} refreshes a second`, waits, FELT);
  });
}

/** The same while RATE sessions a second are ended, and what that costs the commits of others. @param {Place} place */
async function flood(place) {
  await withServers(place, async (one, two) => {
    const samples = Math.min(SAMPLES, SECONDS * 4);
    const people = await signUp(one, 2 * samples);
    const [owner, other] = await signUp(one, 2);
    const ids = await fill(place, owner, RATE * SECONDS);
    const others = await fill(place, other, 1_000);
    /** @type {Record<string, number>} */
    const commits = {};
    for (const [name, statement] of Object.entries({ plain: TOUCH, ended: END })) {
      const rest = background('sql-writers', { url: place.url, statement: TOUCH, ids: others, connections: 4 });
      const writers = background('sql-writers', { url: place.url, statement, ids, connections: 8, rate: RATE });
      const waits = [];
      // In both, because to ask until one is refused takes a share of the machine too.
      for (const { session, accessToken } of people.splice(0, samples)) {
        await place.client.query(END, [session.id]);
        waits.push(await refusedAfter(two, accessToken));
      }
      const reached = await writers.done;
      commits[name] = await rest.end();
      if (name === 'ended') report(`felt, ${FEED}, at ${reached.toFixed(0)} logouts a second`, waits, 500);
    }
    const ratio = Number(commits.ended) / Number(commits.plain);
    say(
      `commits of others, ${FEED}: ${ratio.toFixed(2)} of those beside as many updates that end nothing`,
      ratio >= 0.8,
    );
  });
}

/** Shutting everybody out, with a million sessions. @param {Place} place */
async function everybody(place) {
  await withServers(place, async (one, two) => {
    const [owner, person] = await signUp(one, 2);
    await fill(place, owner, SESSIONS);
    const token = await adminOf(place, one);
    const before = memoryOf(two);
    const began = performance.now();
    await call(`${one.url}/v1/sessions/revoke-before`, { method: 'POST', body: {}, token });
    const took = performance.now() - began;
    const wait = await refusedAfter(two, String(person?.accessToken));
    const grown = memoryOf(two) - before;
    say(`revoke-before over ${SESSIONS} sessions: answered in ${took.toFixed(0)} ms`, took <= 100);
    report(`felt, ${FEED}, after revoke-before`, [wait], FELT);
    say(`memory of the other instance: ${grown.toFixed(1)} MB more`, grown <= 1);
  });
}

/** REVOKED sessions ended by one plain UPDATE, and another logout meanwhile. @param {Place} place */
async function update(place) {
  await withServers(place, async (one, two) => {
    const people = await signUp(one, 60);
    const [owner] = await signUp(one, 1);
    await fill(place, owner, REVOKED);
    const { client } = await openDatabase(place.url, 'revocation');
    let isOver = false;
    const ended = client.query('UPDATE sessions SET revoked_at = now() WHERE user_id = $1', [owner?.user.id]);
    void ended.finally(() => {
      isOver = true;
    });
    const waits = [];
    let healthy = true;
    for (const { session, accessToken } of people) {
      await place.client.query(END, [session.id]);
      waits.push(await refusedAfter(two, accessToken));
      healthy &&= (await fetch(`${two.url}/health/database`)).ok;
      if (isOver && waits.length > 20) break;
    }
    await ended;
    await client.end();
    report(`felt, ${FEED}, while one UPDATE ends ${REVOKED} sessions`, waits, 1_000);
    say(`the other instance heard its database all the while: ${healthy}`, healthy);
  });
}

/** A start with REVOKED sessions that were ended of late. @param {Place} place */
async function start(place) {
  const server = await startServer(place.url, { REVOCATION_FEED: FEED });
  const [owner] = await signUp(server, 1);
  await server.stop();
  await fill(place, owner, SESSIONS);
  await place.client.query(
    'UPDATE sessions SET revoked_at = now() WHERE id IN (SELECT id FROM sessions WHERE revoked_at IS NULL AND user_id = $1 LIMIT $2)',
    [owner?.user.id, REVOKED],
  );
  const { rows } = await place.client.query(
    'SELECT count(*)::integer AS all, count(revoked_at)::integer AS revoked FROM sessions',
  );
  const began = performance.now();
  const again = await startServer(place.url, { REVOCATION_FEED: FEED });
  const took = performance.now() - began;
  say(
    `start with ${rows[0].revoked} revocations among ${rows[0].all} sessions: ${(took / 1000).toFixed(1)} s`,
    took <= 10_000,
  );
  await again.stop();
}

/** Two servers on the database. @param {Place} place @param {(one: Server, two: Server) => Promise<void>} work */
async function withServers({ url }, work) {
  const servers = [
    await startServer(url, { REVOCATION_FEED: FEED }),
    await startServer(url, { REVOCATION_FEED: FEED }),
  ];
  const [one, two] = servers;
  try {
    if (one && two) await work(one, two);
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** @param {Server} server @param {number} count @returns {Promise<Person[]>} */
async function signUp({ url }, count) {
  const people = [];
  for (let n = 0; n < count; n++) {
    const body = { email: `p${process.hrtime.bigint()}@example.com`, password: PASSWORD };
    people.push(await call(`${url}/v1/auth/register`, { method: 'POST', body }));
  }
  return people;
}

/** @param {Place} place @param {Server} server @returns {Promise<string>} */
async function adminOf({ client }, server) {
  const [person] = await signUp(server, 1);
  const { rows } = await client.query('SELECT email FROM users WHERE id = $1', [person?.user.id]);
  await client.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [person?.user.id]);
  const body = { email: rows[0].email, password: PASSWORD };
  return (await call(`${server.url}/v1/auth/login`, { method: 'POST', body })).accessToken;
}

/** Gives a user so many sessions, and returns their ids. @param {Place} place @param {Person | undefined} owner @param {number} count */
async function fill({ client }, owner, count) {
  const id = owner?.user.id;
  for (let left = count; left > 0; left -= PAGE) await client.query(FILL, [id, Math.min(left, PAGE)]);
  await client.query('VACUUM ANALYZE sessions');
  const { rows } = await client.query('SELECT id FROM sessions WHERE user_id = $1 LIMIT $2', [
    id,
    Math.min(count, PAGE),
  ]);
  return rows.map((row) => row.id);
}

/** Milliseconds until an instance refuses a token. @param {Server} server @param {string} token */
async function refusedAfter({ url }, token) {
  const began = performance.now();
  const headers = { authorization: `Bearer ${token}` };
  while ((await fetch(`${url}/v1/auth/session`, { headers })).ok);
  return performance.now() - began;
}

/** Runs a script of support/ beside the measurement; its answer is a rate a second. @param {string} name @param {object} work */
function background(name, work) {
  const child = fork(fileURLToPath(new URL(`support/${name}.js`, import.meta.url)));
  const done = once(child, 'message').then(([rate]) => Number(rate));
  child.send(work);
  const end = () => {
    child.kill('SIGTERM');
    return done;
  };
  return { done, end };
}

/** Resident megabytes. @param {Server} server */
function memoryOf({ pid }) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** @param {string} what @param {number[]} waits @param {number} bar */
function report(what, waits, bar) {
  const [p50, p99] = [quantile(waits, 0.5), quantile(waits, 0.99)];
  say(`${what}: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms (bar ${bar}; ${waits.length} samples)`, p99 <= bar);
}

/** @param {string} line @param {boolean} holds */
function say(line, holds) {
  console.log(holds ? line : `${line}  BELOW THE BAR`);
  if (!holds) process.exitCode = 1;
}
