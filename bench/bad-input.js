// Memory under bad input: node bench/bad-input.js [minutes]
// The bar: within 20 MB over 10 minutes, once warm. Exits 1 where it is not met, or where anything was answered 5xx but
// 503, which says that the machine is too busy.
import { randomBytes, randomInt } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyAddress, startGatehouse } from './support/throw-away.js';

const MINUTES = Number(process.argv[2] ?? 10);
const BAR = 20;
const SENDERS = 20;
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
  () => ({ method: 'GET', path: '/v1/users/me', headers: { 'x-forwarded-for': `${text(2)}::${text(2)}` } }),
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
      headers: { 'x-forwarded-for': anyAddress(), ...length, ...headers },
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

async function sender() {
  while (!stopped) await sendOne();
}

try {
  const senders = Array.from({ length: SENDERS }, sender);
  // Caches and counters fill to their bounds first: what is bounded is no leak.
  const warmUp = Math.min(60, MINUTES * 20);
  await sleep(warmUp * 1000);
  const samples = [(await gatehouse.figures()).heap];
  while (samples.length <= 12) {
    await sleep(MINUTES * 5_000);
    samples.push((await gatehouse.figures()).heap);
  }
  stopped = true;
  await Promise.all(senders);
  const [early = 0] = samples;
  const growth = Math.max(...samples.slice(-3)) - early;
  process.stdout.write(
    `${MINUTES} minutes of bad input: the heap held ${early.toFixed(1)} MB when warm and ${growth.toFixed(1)} MB more at the end; the bar is ${BAR} MB. ` +
      `Answers: ${JSON.stringify(answers)}\n`,
  );
  process.exitCode = growth > BAR || Object.keys(answers).some((kind) => /^5(?!03)/.test(kind)) ? 1 : 0;
} finally {
  stopped = true;
  agent.destroy();
  await gatehouse.stop();
}
