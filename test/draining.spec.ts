import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { LOAD } from './support/load.js';
import { type SignedUp, signUp } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** A stop says "not ready" first, and serves until nobody asks any more. */
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database?.drop());

/** Seconds in which all that is asked of a server which drains is done. */
const DELAY = Math.ceil(3 * LOAD);

const start = (env: Record<string, string> = {}) => GatehouseProcess.start({ DATABASE_URL: database.url, ...env });
const readiness = async (gatehouse: GatehouseProcess) => (await gatehouse.call('GET', '/health/ready')).status;

describe.each(['1', '2'])('WORKERS=%s', (WORKERS) => {
  test('for SHUTDOWN_DELAY it is not ready and serves as before, then it ends', async () => {
    const gatehouse = await start({ SHUTDOWN_DELAY: `${DELAY}s`, WORKERS, LOG_LEVEL: 'info' });
    try {
      const { accessToken } = await signUp(gatehouse);
      gatehouse.process.kill('SIGTERM');
      const told = performance.now();
      await waitFor(async () => (await readiness(gatehouse)) === 503, { within: 1_500 });
      // Every worker of them, on connections of their own.
      for (let count = 0; count < 6; count++) {
        const { status, headers } = await gatehouse.call('GET', '/v1/auth/session', { token: accessToken });
        expect([status, headers.get('connection')]).toEqual([200, 'close']);
        expect(await readiness(gatehouse)).toBe(503);
      }
      await signUp(gatehouse);
      expect((await gatehouse.call('GET', '/health/live')).status).toBe(200);
      expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - told).toBeGreaterThanOrEqual(DELAY * 1_000);
      expect(gatehouse.output).toContain(`SIGTERM: saying that this instance is not ready for ${DELAY} s, then`);
    } finally {
      await gatehouse.stop();
    }
  });

  test('a second signal ends the delay', async () => {
    const gatehouse = await start({ SHUTDOWN_DELAY: '10m', WORKERS });
    gatehouse.process.kill('SIGTERM');
    await waitFor(async () => (await readiness(gatehouse)) === 503, { within: 5_000 });
    // As a person presses Ctrl-C until it ends. One within the first second would be the first once more.
    await waitFor(() => {
      gatehouse.process.kill('SIGINT');
      return gatehouse.process.exitCode !== null;
    });
    expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
    await gatehouse.stop();
  });

  test('a signal that comes twice at once, from a service manager and by way of npm, does not end the delay', async () => {
    const gatehouse = await start({ SHUTDOWN_DELAY: '2s', WORKERS });
    const { accessToken } = await signUp(gatehouse);
    const told = performance.now();
    gatehouse.process.kill('SIGTERM');
    await waitFor(async () => (await readiness(gatehouse)) === 503, { within: 900 });
    gatehouse.process.kill('SIGTERM');
    expect((await gatehouse.call('GET', '/v1/auth/session', { token: accessToken })).status).toBe(200);
    expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - told).toBeGreaterThanOrEqual(2_000);
    await gatehouse.stop();
  });
});

test('a signal to the whole group of processes, as a service manager sends it, drains all the same', async () => {
  const gatehouse = await start({ SHUTDOWN_DELAY: '2s', WORKERS: '2' });
  const { execFileSync } = await import('node:child_process');
  const { pid = 0 } = gatehouse.process;
  const workers = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
  expect(workers).toHaveLength(2);
  const { accessToken } = await signUp(gatehouse);
  for (const each of [...workers, pid]) process.kill(each, 'SIGTERM');
  await waitFor(async () => (await readiness(gatehouse)) === 503, { within: 1_500 });
  expect((await gatehouse.call('GET', '/v1/auth/session', { token: accessToken })).status).toBe(200);
  expect(await gatehouse.exited).toEqual({ code: 0, signal: null });
  await gatehouse.stop();
});

/** Passes requests on to those of its instances that were ready when it last looked, as a balancer does. */
class Balancer {
  private readonly agent = new Agent({ keepAlive: true });
  private ready: GatehouseProcess[] = [];
  private turn = 0;
  private readonly server: Server;
  private readonly looks: NodeJS.Timeout;

  constructor(readonly instances: GatehouseProcess[]) {
    this.server = createServer((incoming, outgoing) => {
      const { url } = this.ready[this.turn++ % this.ready.length] ?? { url: 'http://127.0.0.1:1' };
      const { method, headers } = incoming;
      const passed = request(url + incoming.url, { method, headers, agent: this.agent }, (answer: IncomingMessage) => {
        const { connection: _, ...rest } = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, rest);
        answer.pipe(outgoing);
      });
      passed.on('error', (error) => outgoing.writeHead(502).end(String(error)));
      incoming.pipe(passed);
    });
    this.looks = setInterval(() => void this.look(), 100);
  }

  async listen(): Promise<string> {
    await this.look();
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Takes one out and another in, once that is ready. */
  async replace(index: number, instance: GatehouseProcess): Promise<void> {
    this.instances[index] = instance;
    await waitFor(() => this.ready.includes(instance));
  }

  close(): void {
    clearInterval(this.looks);
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }

  private async look(): Promise<void> {
    const found = await Promise.all(
      this.instances.map(async (instance) => {
        const status = await readiness(instance).catch(() => 0);
        return status === 200 ? [instance] : [];
      }),
    );
    this.ready = found.flat();
  }
}

/** Asks over and over, on a connection that is kept or on a new one each time, and returns what was not answered with 200. */
async function askUntil(end: AbortSignal, url: string, { accessToken }: SignedUp, keepAlive: boolean) {
  const agent = new Agent({ keepAlive, maxSockets: 1 });
  const seen = { answers: 0, failures: [] as string[] };
  while (!end.aborted) {
    const headers = { authorization: `Bearer ${accessToken}` };
    await new Promise<void>((resolve) => {
      const fail = (what: unknown) => {
        seen.failures.push(String(what));
        resolve();
      };
      const asked = request(`${url}/v1/auth/session`, { headers, agent }, (answer) => {
        answer.resume().on('error', fail);
        answer.on('end', () => {
          if (answer.statusCode === 200) seen.answers++;
          else seen.failures.push(String(answer.statusCode));
          resolve();
        });
      });
      asked.on('error', fail).end();
    });
  }
  agent.destroy();
  return seen;
}

test('a rolling restart of two instances behind a balancer loses no request', async () => {
  const env = { SHUTDOWN_DELAY: '2s' };
  const balancer = new Balancer(await Promise.all([start(env), start(env)]));
  const started = [...balancer.instances];
  try {
    const url = await balancer.listen();
    const person = await signUp(balancer.instances[0] as GatehouseProcess);
    const end = new AbortController();
    const clients = [true, true, false, false].map((keepAlive) => askUntil(end.signal, url, person, keepAlive));
    for (const index of [0, 1]) {
      const former = balancer.instances[index] as GatehouseProcess;
      former.process.kill('SIGTERM');
      expect(await former.exited).toEqual({ code: 0, signal: null });
      const next = await start(env);
      started.push(next);
      await balancer.replace(index, next);
    }
    end.abort();
    const seen = await Promise.all(clients);
    expect(seen.map(({ failures }) => failures)).toEqual([[], [], [], []]);
    for (const { answers } of seen) expect(answers).toBeGreaterThan(100);
  } finally {
    balancer.close();
    await Promise.all(started.map((instance) => instance.stop()));
  }
});
