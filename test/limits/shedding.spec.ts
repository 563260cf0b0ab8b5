import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { freshEmail, type Problem } from '../support/users.js';

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
