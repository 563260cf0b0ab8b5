// Token checks while 200 clients flood the login: node bench/login-flood.js [seconds]
// The bar: p99 of GET /v1/auth/session under 50 ms. Exits 1 where it is not met.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { call } from './support/server.js';
import { quantile } from './support/statistics.js';
import { anyAddress, startGatehouse } from './support/throw-away.js';

const SECONDS = Number(process.argv[2] ?? 15);
const CLIENTS = 200;
const BAR = 50;
const FLOODER = fileURLToPath(new URL('./support/login-flooder.js', import.meta.url));

/**
 * Latencies of token checks, one after the other with a pause, for some seconds, ms.
 * @param {string} url
 * @param {string} token
 * @param {number} seconds
 */
async function tokenChecks(url, token, seconds) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  /** @type {number[]} */
  const times = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const before = performance.now();
    await new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
      const request = http.get(
        `${url}/v1/auth/session`,
        { agent, headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': anyAddress() } },
        (response) => {
          if (response.statusCode !== 200) reject(new Error(`a token check was answered ${response.statusCode}`));
          response.resume().on('end', resolve);
        },
      );
      request.on('error', reject);
    });
    times.push(performance.now() - before);
    await sleep(10);
  }
  agent.destroy();
  return times;
}

/**
 * Floods from a process of its own at the least priority: attackers bring their own processors, and on the few cores of
 * this machine they would measure how the system shares those out, not what the server does.
 * @param {string} url
 * @param {number} seconds
 */
async function flood(url, seconds) {
  const args = ['-n', '19', process.execPath, FLOODER, url, String(CLIENTS), String(seconds)];
  const flooder = spawn('nice', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  flooder.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise((resolve, reject) => flooder.once('close', resolve).once('error', reject));
  return output;
}

/** @param {'on' | 'off'} limits */
async function measure(limits) {
  const gatehouse = await startGatehouse({
    RATE_LIMITS: limits,
    TRUSTED_PROXIES: 'loopback',
    PUBLIC_URL: 'http://gatehouse.test',
  });
  try {
    const body = { email: 'bench@example.com', password: 'violet tractor under snow' };
    const { accessToken } = await call(`${gatehouse.url}/v1/auth/register`, { method: 'POST', body });
    const quiet = await tokenChecks(gatehouse.url, accessToken, 2);
    const flooded = flood(gatehouse.url, SECONDS + 3);
    await sleep(2_000);
    await gatehouse.figures();
    const times = await tokenChecks(gatehouse.url, accessToken, SECONDS);
    const { loopDelay } = await gatehouse.figures();
    const [p50, p99, still] = [quantile(times, 0.5), quantile(times, 0.99), quantile(quiet, 0.99)];
    process.stdout.write(
      `RATE_LIMITS=${limits}: a token check takes ${p99.toFixed(1)} ms at p99 (p50 ${p50.toFixed(1)}) under the flood, ` +
        `${still.toFixed(1)} ms without; the bar is ${BAR} ms. A turn of the server's event loop took ` +
        `${loopDelay.toFixed(1)} ms at p99. The logins were answered ${await flooded}\n`,
    );
    return p99;
  } finally {
    await gatehouse.stop();
  }
}

const results = [await measure('off'), await measure('on')];
process.exitCode = results.some((p99) => p99 >= BAR) ? 1 : 0;
