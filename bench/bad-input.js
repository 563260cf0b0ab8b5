// Memory under bad input: node bench/bad-input.js [minutes] [requests, after which it ends sooner]
// The bar: within 20 MB over 10 minutes, once warm, in the heap, beside it and for the process as a whole. Exits 1 where it
// is not met, or where anything was answered 5xx but 503, which says that the machine is too busy.
import { randomBytes, randomInt } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyAddress, startGatehouse } from './support/throw-away.js';

const MINUTES = Number(process.argv[2] ?? 10);
const BAR = 20;
const REQUESTS = Number(process.argv[3] ?? Number.POSITIVE_INFINITY);
const SENDERS = 20;
/** What is remembered of an address has a bound, up to which it fills the sooner the fewer there are. */
const ADDRESSES = Array.from({ length: 1_000 }, anyAddress);
/** The part of a run in which all that has a bound fills up to it: what is bounded is no leak. */
const WARM_UP = Number.isFinite(REQUESTS) ? 0.5 : 0.1;
const SAMPLES = 6;
const text = (/** @type {number} */ bytes) => randomBytes(bytes).toString('hex');

/** Every kind of bad input, new each time: what is remembered for each of them would show. */
const KINDS = [
  () => ({ method: 'GET', path: `/${text(8)}?${text(20)}=${text(20)}` }),
  () => ({ method: 'GET', path: '/v1/auth/session', headers: { authorization: `Bearer ${text(300)}` } }),
  () => ({
    method: 'GET',
    path: '/v1/auth/session',
    headers: { authorization: `Bearer eyJhbGciOiJFUzI1NiJ9.${text(200)}.${text(32)}` },
  }),
  () => ({ method: 'GET', path: '/v1/users/me', headers: { 'x-forwarded-for': `${text(1)}::${text(2)}` } }),
  () => ({
    method: 'POST',
    path: '/v1/auth/login',
    body: JSON.stringify({ email: `${text(6)}@example.com`, password: text(9) }),
  }),
  () => ({
    method: 'POST',
    path: '/v1/auth/login',
    body: JSON.stringify({ username: text(6), password: text(2_000) }),
  }),
  () => ({ method: 'POST', path: '/v1/auth/refresh', body: JSON.stringify({ refreshToken: `grt_${text(56)}` }) }),
  () => ({ method: 'POST', path: '/v1/auth/logout', headers: { cookie: `__Host-gatehouse_refresh=${text(50)}` } }),
  () => ({ method: 'POST', path: '/v1/auth/register', body: `{"email":"${text(5)}","email":"${text(5)}"}` }),
  () => ({ method: 'POST', path: '/v1/auth/register', body: '['.repeat(randomInt(60_000)) }),
  () => ({ method: 'POST', path: '/v1/auth/login', body: randomBytes(randomInt(1, 70_000)) }),
  () => ({ method: 'PATCH', path: '/v1/users/me', body: `{"${text(30_000)}":1}` }),
  () => ({ method: text(3).toUpperCase(), path: '/' }),
];

const gatehouse = await startGatehouse({
  TRUSTED_PROXIES: 'loopback',
  PUBLIC_URL: 'https://gate.example.com',
  BCRYPT_COST: '4',
  LOG_LEVEL: 'fatal',
});
const agent = new http.Agent({ keepAlive: true, maxSockets: SENDERS });
const { hostname, port } = new URL(gatehouse.url);
/** How often each kind of answer came: 2xx to 4xx by their class, what is ours to explain by status, code and route. */
const answers = /** @type {Record<string, number>} */ ({});
let stopped = false;

/** @returns {Promise<void>} */
function sendOne() {
  const { method, path, body, headers } =
    /** @type {{ method: string, path: string, body?: string | Buffer, headers?: object }} */ (
      /** @type {() => object} */ (KINDS[randomInt(KINDS.length)])()
    );
  return new Promise((resolve) => {
    const count = (/** @type {string} */ kind) => {
      answers[kind] = (answers[kind] ?? 0) + 1;
      resolve();
    };
    const length =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request({
      hostname,
      port,
      agent,
      method,
      path,
      headers: { 'x-forwarded-for': ADDRESSES[randomInt(ADDRESSES.length)], ...length, ...headers },
    });
    request.on('response', async (response) => {
      const status = response.statusCode ?? 0;
      const text = Buffer.concat(await response.toArray().catch(() => [])).toString();
      if (status < 500) count(`${Math.floor(status / 100)}xx`);
      else count(`${status} ${/"code":"(\w+)"/.exec(text)?.[1]} ${method} ${path.split('?')[0]}`);
    });
    request.on('error', () => count('cut'));
    request.end(body);
  });
}

const sent = () => Object.values(answers).reduce((sum, count) => sum + count, 0);

/**
 * Resolves after a part of the run.
 * @param {number} share
 */
async function part(share) {
  const [enough, end] = [sent() + share * REQUESTS, performance.now() + share * MINUTES * 60_000];
  while (sent() < enough && performance.now() < end) await sleep(20);
}

const round = (/** @type {number} */ megabytes) => Math.round(megabytes * 100) / 100;

async function sender() {
  while (!stopped) await sendOne();
}

try {
  const senders = Array.from({ length: SENDERS }, sender);
  await part(WARM_UP);
  const sentBefore = sent();
  const samples = [await gatehouse.figures()];
  while (samples.length <= SAMPLES) {
    await part((1 - WARM_UP) / SAMPLES);
    samples.push(await gatehouse.figures());
  }
  const requests = sent() - sentBefore;
  stopped = true;
  await Promise.all(senders);
  // What leaks is still there at the next look; what comes and goes is not.
  const grown = Object.fromEntries(
    /** @type {const} */ (['heap', 'buffers', 'resident']).map((name) => {
      const [early = 0, ...later] = samples.map((figures) => figures[name]);
      return [name, { warm: round(early), grown: round(Math.min(...later.slice(-3)) - early) }];
    }),
  );
  process.stdout.write(
    `${MINUTES} minutes of bad input, ${requests} requests once warm; the bar is ${BAR} MB of growth.\n` +
      `Memory in MB: ${JSON.stringify(grown)}\nAnswers: ${JSON.stringify(answers)}\n`,
  );
  const missed = Object.values(grown).some((figure) => figure.grown > BAR);
  process.exitCode = missed || Object.keys(answers).some((kind) => /^5(?!03)/.test(kind)) ? 1 : 0;
} finally {
  stopped = true;
  agent.destroy();
  await gatehouse.stop();
}
