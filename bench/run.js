import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { compare, perSecond } from './support/load.js';
import { startProcess } from './support/processes.js';
import { rawBcryptPerSecond } from './support/raw-bcrypt.js';
import { rotationsPerSecond } from './support/rotation.js';
import { quantile } from './support/statistics.js';

/**
 * Measures the built server, each figure as a ratio to a limit measured in the same run on the same machine.
 * Run it by `npm run bench` on a machine that does nothing else; with `--login`, `--session` and so on, only those.
 */
/** The standard cost. */
const COST = 12;
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const MAIN = here('../dist/src/main.js');
const { startEmbeddedPostgres } = await import(
  new URL('../dist/src/platform/database/embedded/embedded-postgres.js', import.meta.url).href
);
const asked = process.argv.slice(2).map((argument) => argument.replace(/^--/, ''));
const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), log: () => undefined });
const env = {
  DATABASE_URL: postgres.url,
  DATA_DIR: folder,
  PORT: '0',
  HOST: '127.0.0.1',
  PUBLIC_URL: 'http://gatehouse.test',
  BCRYPT_COST: String(COST),
  HASH_QUEUE: '1000',
  RATE_LIMITS: 'off',
  LOG_FORMAT: 'json',
};
const FLAGS = ['--max-semi-space-size=32'];

/** What the figures must be, in words; a run in which one is not ends with 1. */
const BARS = {
  session: 'at least 0.6 of bare Fastify',
  statements: 'no SQL for a token that was seen before',
  login: 'at least 0.9 of bcrypt alone',
  waits: 'p99 under 50 ms while sign-ins run flat out',
};

/** @param {keyof typeof BARS} bar @param {boolean} holds */
function demand(bar, holds) {
  if (holds) return;
  console.log(`  below the bar: ${BARS[bar]}`);
  process.exitCode = 1;
}

/** @param {string} name @param {Record<string, unknown>} figures */
function report(name, figures) {
  const shown = Object.entries(figures).map(
    ([label, value]) => `${label} ${typeof value === 'number' ? Number(value.toPrecision(3)) : value}`,
  );
  console.log(`${name.padEnd(34)} ${shown.join(', ')}`);
}

/** @param {string} url @param {string} path @param {unknown} body */
async function post(url, path, body) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

let people = 0;
const password = 'violet tractor under snow';
/** @param {string} url */
const signUp = (url) =>
  post(url, '/v1/auth/register', { email: `bench${++people}-${process.pid}@example.com`, password });

/** Token checks against bare Fastify that serves the same bytes, and what a token check asks of the database. */
async function session() {
  const server = await startProcess([...FLAGS, MAIN], { env });
  const { accessToken } = await signUp(server.url);
  const request = { path: '/v1/auth/session', headers: { authorization: `Bearer ${accessToken}` } };
  const answer = await fetch(server.url + request.path, { headers: request.headers });
  const ofHttp = ['date', 'connection', 'keep-alive', 'content-length', 'content-type'];
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !ofHttp.includes(name)));
  const bare = await startProcess([here('support/bare-fastify.js')], {
    env: { BODY: await answer.text(), HEADERS: JSON.stringify(headers) },
  });
  const idle = server.memory();
  const { ours, limit, ratio } = await compare(server, bare, request);
  report('GET /v1/auth/session', { 'requests per CPU second': ours, 'bare Fastify': limit, ratio });
  report('resident memory, MB', { 'after start': idle, 'after the load': server.memory() });
  demand('session', ratio >= 0.6);
  const statements = await statementsPerRequest(server.url, request);
  report('SQL per authenticated request', { statements });
  // Whatever else the server does in these seconds is a few statements to two thousand requests.
  demand('statements', statements < 0.01);
  await bare.stop();
  await server.stop();
}

/** @param {string} url @param {{ path: string, headers: Record<string, string> }} request */
async function statementsPerRequest(url, request) {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  const calls = async () => {
    await client.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await client.query(
      `SELECT sum(xact_commit + xact_rollback)::int AS n FROM pg_stat_database WHERE datname = current_database()`,
    );
    return rows[0].n;
  };
  /** Statements in the milliseconds that `work` and a flush of the statistics take. @param {() => Promise<void>} work */
  const during = async (work) => {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const [began, before] = [performance.now(), await calls()];
    await work();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    return { count: (await calls()) - before, ms: performance.now() - began };
  };
  const requests = 2000;
  const idle = await during(async () => undefined);
  const loaded = await during(async () => {
    for (let i = 0; i < requests; i++)
      await (await fetch(url + request.path, { headers: request.headers })).arrayBuffer();
  });
  await client.end();
  // The heartbeat of the revocation feed goes on in both stretches; what is more than it belongs to the requests.
  return Math.max(0, (loaded.count - (idle.count / idle.ms) * loaded.ms) / requests);
}

/** Sign-ins against bcrypt alone on the same cores; and token checks while sign-ins run flat out. */
async function login() {
  const server = await startProcess([...FLAGS, MAIN], { env, pinned: false });
  const { user, accessToken } = await signUp(server.url);
  const parallel = 8 * availableParallelism();
  const raw = await rawBcryptPerSecond(COST, 8);
  const flood = perSecond(10, parallel, () => post(server.url, '/v1/auth/login', { email: user.email, password }));
  const waits = await checkTokens(server.url, accessToken, 9);
  const ours = await flood;
  report('POST /v1/auth/login', { 'a second': ours, [`bcrypt of cost ${COST}`]: raw, ratio: ours / raw });
  demand('login', ours / raw >= 0.9);
  report('token checks meanwhile, ms', { median: quantile(waits, 0.5), p99: quantile(waits, 0.99) });
  demand('waits', quantile(waits, 0.99) < 50);
  await server.stop();
}

/** @param {string} url @param {string} token @param {number} seconds */
async function checkTokens(url, token, seconds) {
  /** @type {number[]} */
  const waits = [];
  const pending = [];
  for (let i = 0; i < seconds * 50; i++) {
    pending.push(timed(`${url}/v1/auth/session`, token).then((wait) => waits.push(wait)));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await Promise.all(pending);
  return waits;
}

/** @param {string} url @param {string} token */
async function timed(url, token) {
  const start = performance.now();
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`a token check was refused: ${response.status}`);
  return performance.now() - start;
}

/** Refresh against pgbench that runs the same statement, with as many connections as the server has. */
async function refresh() {
  const server = await startProcess([...FLAGS, MAIN], { env, pinned: false });
  const chains = await Promise.all(Array.from({ length: 32 }, () => signUp(server.url)));
  const ours = await perSecond(6, chains.length, async (worker) => {
    const { refreshToken } = chains[worker];
    chains[worker].refreshToken = (await post(server.url, '/v1/auth/refresh', { refreshToken })).refreshToken;
  });
  const untouched = await Promise.all(Array.from({ length: 10 }, () => signUp(server.url)));
  const ids = untouched.map(({ session }) => session.id);
  const limit = await rotationsPerSecond({ url: postgres.url, folder, ids });
  report('POST /v1/auth/refresh', { 'a second': ours, [limit.by]: limit.perSecond, ratio: ours / limit.perSecond });
  await server.stop();
}

/** The own profile against node:http with one prepared statement. */
async function me() {
  const server = await startProcess([...FLAGS, MAIN], { env });
  const { accessToken, user } = await signUp(server.url);
  const bare = await startProcess([here('support/bare-postgres.js')], {
    env: { DATABASE_URL: postgres.url, USER_ID: user.id },
  });
  const { ours, limit, ratio } = await compare(server, bare, {
    path: '/v1/users/me',
    headers: { authorization: `Bearer ${accessToken}` },
  });
  report('GET /v1/users/me', { 'requests per CPU second': ours, 'node:http and pg': limit, ratio });
  await bare.stop();
  await server.stop();
}

/** From the command to the first request, the schema being there. */
async function start() {
  const first = await startProcess([...FLAGS, MAIN], { env, pinned: false });
  await first.stop();
  const second = await startProcess([...FLAGS, MAIN], { env, pinned: false });
  report('start, ms', { 'empty database': first.startMs, 'migrated database': second.startMs });
  await second.stop();
}

const PARTS = { start, session, me, refresh, login };
try {
  for (const [name, part] of Object.entries(PARTS)) if (asked.length === 0 || asked.includes(name)) await part();
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}
