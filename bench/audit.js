// What sealing the audit log costs a login and a refresh: node bench/audit.js [rounds]
// Two servers on two databases of one Postgres take turns; one of the two neither queues nor seals its entries. What counts
// is the CPU time that server and Postgres take for each, sealing included: what is left of it is throughput. It ends with 1
// where the rounds do not show, with 95 % confidence, that the loss is below the limit.
import { call, cpuOf, migrate, openDatabase, startPostgres, startServer } from './support/server.js';
import { medianInterval } from './support/statistics.js';

const ROUNDS = Number(process.argv[2] ?? 40);
const ROUND_MS = 1_500;
const PARALLEL = 8;
const PEOPLE = 32;
const PASSWORD = 'violet tractor under snow';
const LIMIT = 0.95;

/** @typedef {{ refreshToken: string, email: string }} Person */

const postgres = await startPostgres();
const stops = [];
try {
  const sides = [];
  for (const name of ['sealed', 'unsealed']) {
    const owner = await openDatabase(postgres.url, name);
    await migrate(owner.url);
    if (name === 'unsealed')
      await owner.client.query('ALTER TABLE gatehouse.audit_events DISABLE TRIGGER audit_events_await_seal');
    await owner.client.end();
    const url = new URL(postgres.url);
    url.pathname = `/${name}`;
    const server = await startServer(url.href);
    stops.push(server.stop);
    /** @type {Person[]} */
    const people = [];
    for (let n = 0; n < PEOPLE; n++) {
      const email = `p${n}@example.com`;
      const body = { email, password: PASSWORD };
      people.push({ email, ...(await call(`${server.url}/v1/auth/register`, { method: 'POST', body })) });
    }
    sides.push({ name, url: server.url, people, pids: [server.pid, postgres.pid] });
  }
  for (const [what, act] of Object.entries({ login, refresh })) {
    /** @type {number[]} */
    const ratios = [];
    for (let round = 0; round < ROUNDS + 1; round++) {
      /** @type {Record<string, number>} */
      const cost = {};
      for (const side of round % 2 ? sides : [...sides].reverse()) cost[side.name] = await costOf(side, act);
      // The first round warms both up.
      if (round > 0) ratios.push(Number(cost.unsealed) / Number(cost.sealed));
    }
    const { low, middle, high } = medianInterval(ratios);
    const shown = low >= LIMIT;
    process.stdout.write(
      `${what}: throughput sealed/unsealed ${middle.toFixed(3)} (95 % between ${low.toFixed(3)} and ${high.toFixed(3)}), ` +
        `${shown ? 'above' : 'NOT SHOWN TO BE ABOVE'} ${LIMIT}\n`,
    );
    if (!shown) process.exitCode = 1;
  }
} finally {
  for (const stop of stops) await stop();
  await postgres.stop();
}

/**
 * Milliseconds of CPU for one act.
 * @param {{ url: string, people: Person[], pids: number[] }} side
 * @param {(url: string, person: Person) => Promise<void>} act
 */
async function costOf({ url, people, pids }, act) {
  const [start, before] = [performance.now(), cpuOf(pids)];
  let count = 0;
  await Promise.all(
    Array.from({ length: PARALLEL }, async (_, worker) => {
      for (let n = worker; performance.now() - start < ROUND_MS; n += PARALLEL) {
        const person = people[n % PEOPLE];
        if (person) await act(url, person);
        count++;
      }
    }),
  );
  // The last entries are sealed a second after they were written.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  return (cpuOf(pids) - before) / count;
}

/** @type {(url: string, person: Person) => Promise<void>} */
async function login(url, { email }) {
  await call(`${url}/v1/auth/login`, { method: 'POST', body: { email, password: PASSWORD } });
}

/** @type {(url: string, person: Person) => Promise<void>} */
async function refresh(url, person) {
  const { refreshToken } = person;
  person.refreshToken = (await call(`${url}/v1/auth/refresh`, { method: 'POST', body: { refreshToken } })).refreshToken;
}
