import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse, GatehouseProcess } from '../support/gatehouse.js';
import { LISTENER, TcpProxy } from '../support/tcp-proxy.js';
import { freshEmail, type Problem } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/** A sign-in that would be refused anyway costs next to nothing: its body is not even read (ASVS 5.0, 15.2.2). */
let database: TestDatabase;
let gatehouse: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({
    DATABASE_URL: database.url,
    RATE_LIMITS: 'on',
    TRUSTED_PROXIES: 'loopback',
    HASH_QUEUE: '1',
    BCRYPT_COST: '9',
  });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

let next = 0;
const freshIp = () => `198.18.${next >> 8}.${next++ & 255}`;
const post = (path: string, body: unknown) =>
  gatehouse.call<Problem>('POST', path, { body, headers: { 'x-forwarded-for': freshIp() } });
const guess = () => post('/v1/auth/login', { email: freshEmail(), password: 'a wrong one' });
const MALFORMED = '{"email":';

test('while the hash queue is full nobody’s sign-in is read', async () => {
  let flooding = true;
  const flood = Array.from({ length: 30 }, async () => {
    while (flooding) await guess();
  });
  const codes: string[] = [];
  for (let index = 0; index < 40; index++)
    codes.push((await post(index % 2 ? '/v1/auth/login' : '/v1/auth/register', MALFORMED)).body.code);
  flooding = false;
  await Promise.all(flood);
  // Between two hashes there is room for a moment.
  expect(codes.filter((code) => code === 'overloaded').length).toBeGreaterThan(10);
  expect(codes.filter((code) => !['overloaded', 'malformed_json'].includes(code))).toEqual([]);
  expect((await post('/v1/auth/login', MALFORMED)).body.code).toBe('malformed_json');
  // The log tells of the flood, not of each of its requests.
  expect(gatehouse.output.split('"msg":"overloaded"').length - 1).toBeLessThan(30);
});

test('a flood of guesses at a name that was refused a moment ago is not looked up, by email or username', async () => {
  const proxy = await TcpProxy.before(database.url);
  const server = await Gatehouse.start({
    DATABASE_URL: proxy.url,
    RATE_LIMITS: 'on',
    TRUSTED_PROXIES: 'loopback',
  });
  /** Bytes sent to Postgres so far, the listener's heartbeat aside. */
  const sent = () => [...proxy.sent].reduce((sum, [name, bytes]) => (name === LISTENER ? sum : sum + bytes), 0);
  const settled = async () => {
    const todo = 'SELECT FROM audit_unsealed UNION ALL SELECT FROM tally_changes';
    await waitFor(async () => (await database.query(todo)).length === 0);
    return sent();
  };
  try {
    for (const name of [{ email: freshEmail() }, { username: `nobody${Date.now() % 1e6}` }]) {
      const headers = { 'x-forwarded-for': freshIp() };
      const body = { ...name, password: 'a wrong one' };
      const guess = () => server.call<Problem>('POST', '/v1/auth/login', { body, headers });
      const before = await settled();
      for (let index = 0; index < 5; index++) expect((await guess()).body.code).toBe('invalid_credentials');
      const five = (await settled()) - before;
      // The pause of a second would be over before the flood is counted.
      await database.query(`UPDATE guesses SET blocked_until = now() + interval '10 minutes' WHERE wrong = 5`);
      expect((await guess()).status).toBe(429);
      const flooded = await settled();
      const refused = await Promise.all(Array.from({ length: 200 }, guess));
      expect(new Set(refused.map(({ body: { code } }) => code))).toEqual(new Set(['rate_limited']));
      // One in a second asks whether the refusal still stands.
      expect((await settled()) - flooded).toBeLessThan(five);
    }
  } finally {
    await server.stop();
    await proxy.close();
  }
});
