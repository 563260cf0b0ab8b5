// What sealing the audit log costs a login and a refresh: node bench/audit.js [rounds]
// Two servers on two databases of one Postgres take turns; one of the two neither queues nor seals its entries. What counts
// is the CPU time that server and Postgres take for each, sealing included: what is left of it is throughput.
import { call, cpuOf, openDatabase, startPostgres, startServer } from './support/server.js';
import { quantile } from './support/statistics.js';

const ROUNDS = Number(process.argv[2] ?? 20);
const ROUND_MS = 1_500;
const PARALLEL = 8;
const PEOPLE = 32;
const PASSWORD = 'violet tractor under snow';
const WITHOUT = `
  SET ROLE gatehouse_audit;
  ALTER TABLE audit_events DISABLE TRIGGER audit_events_await_seal;
  RESET ROLE`;

/** @typedef {{ refreshToken: string, email: string }} Person */

const postgres = await startPostgres();
const stops = [];
try {
  const sides = [];
  for (const name of ['with', 'without']) {
    const { url, client } = await openDatabase(postgres.url, name === 'with' ? 'sealed' : 'unsealed');
    const server = await startServer(url);
    stops.push(server.stop);
    if (name === 'without') await client.query(WITHOUT);
    await client.end();
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
      if (round > 0) ratios.push((cost.without ?? 0) / (cost.with ?? 1));
      if (round === ROUNDS)
        process.stdout.write(
          `${what}: ${cost.with?.toFixed(2)} ms of CPU sealed, ${cost.without?.toFixed(2)} ms not\n`,
        );
    }
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(3));
    process.stdout.write(`${what}: throughput sealed/unsealed ${middle} (middle half ${low} to ${high}; limit 0.95)\n`);
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
