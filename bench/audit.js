// What sealing the audit log costs a login and a refresh: node bench/audit.js [rounds]
// Two servers on two databases of one Postgres take turns; one of the two neither queues nor seals its entries.
import { call, openDatabase, quantile, startPostgres, startServer } from './support/server.js';

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
    sides.push({ name, url: server.url, people });
  }
  for (const [what, act] of Object.entries({ login, refresh })) {
    /** @type {number[]} */
    const ratios = [];
    for (let round = 0; round < ROUNDS + 1; round++) {
      const order = round % 2 ? sides : [...sides].reverse();
      /** @type {Record<string, number>} */
      const rate = {};
      for (const side of order) rate[side.name] = await perSecond(side, act);
      // The first round warms both up.
      if (round > 0) ratios.push((rate.with ?? 0) / (rate.without ?? 1));
      if (round === ROUNDS)
        process.stdout.write(
          `${what}: last round ${rate.with?.toFixed(0)}/s sealed, ${rate.without?.toFixed(0)}/s not\n`,
        );
    }
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(3));
    process.stdout.write(`${what}: sealed/unsealed ${middle} (middle half ${low} to ${high}; limit 0.95)\n`);
  }
} finally {
  for (const stop of stops) await stop();
  await postgres.stop();
}

/**
 * @param {{ url: string, people: Person[] }} side
 * @param {(url: string, person: Person) => Promise<void>} act
 */
async function perSecond({ url, people }, act) {
  const start = performance.now();
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
  return (count * 1000) / (performance.now() - start);
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
