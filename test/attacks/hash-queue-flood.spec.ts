import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/**
 * Passwords are hashed behind a bounded queue. Networks cost nothing in IPv6: a /56 has 256 of them, a /48 65 536. However many
 * send one sign-in each, they keep nobody else from signing in (ASVS 5.0, 2.4.1 and 6.3.1).
 */
const NETWORKS = 120;
const OWNER = '203.0.113.7';

let database: TestDatabase;
let gatehouse: GatehouseProcess;
const email = freshEmail();

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({
    DATABASE_URL: database.url,
    RATE_LIMITS: 'on',
    TRUSTED_PROXIES: 'loopback',
    HASH_QUEUE: '8',
    BCRYPT_COST: '8',
  });
  const body = { email, password: PASSWORD };
  await gatehouse.call('POST', '/v1/auth/register', { body, headers: { 'x-forwarded-for': OWNER } });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const signIn = async (ip: string, name: string, password: string) => {
  const body = { email: name, password };
  return gatehouse.call<Problem>('POST', '/v1/auth/login', { body, headers: { 'x-forwarded-for': ip } });
};

/** Signs in, and again where a busy machine has no time for the database: what is asked here is whether the queue is full. */
const signInQueued = async (ip: string) => {
  const isAsked = { until: ({ body }: { body: Problem }) => body.code !== 'database_unavailable' };
  return (await waitFor(() => signIn(ip, email, PASSWORD), isAsked)).status;
};

/** Signs in three times from an address while each of the networks has a sign-in of its own under way, again and again. */
async function duringFlood(networks: (index: number) => string, ip: string): Promise<number[]> {
  let isOver = false;
  let shed = 0;
  const flood = Array.from({ length: NETWORKS }, async (_, index) => {
    while (!isOver) if ((await signIn(networks(index), freshEmail(), 'a wrong one')).status === 503) shed++;
  });
  try {
    // The queue is full once some of the flood find no place.
    await waitFor(() => shed > 10);
    const answers: number[] = [];
    for (let index = 0; index < 3; index++) answers.push(await signInQueued(ip));
    return answers;
  } finally {
    isOver = true;
    await Promise.all(flood);
  }
}

const hex = (index: number) => index.toString(16).padStart(2, '0');

test('a /56 with one sign-in of each of its networks keeps nobody from signing in, wherever they are', async () => {
  expect(await duringFlood((index) => `2001:db8:7:55${hex(index)}::1`, '198.51.100.9')).toEqual([200, 200, 200]);
});

test('an IPv4 /24 does not either', async () => {
  expect(await duringFlood((index) => `198.18.7.${index}`, '198.51.100.10')).toEqual([200, 200, 200]);
});

test('nor do as many /48 of one /32, of which a hobbyist leases 256 for a few coins a month', async () => {
  expect(await duringFlood((index) => `2001:db8:${hex(index)}::1`, '198.51.100.11')).toEqual([200, 200, 200]);
});

test('as many networks of as many providers keep no owner from signing in where they did before', async () => {
  expect(await duringFlood((index) => `2a${hex(index)}:db8::1`, OWNER)).toEqual([200, 200, 200]);
});
