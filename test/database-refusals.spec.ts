import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, type Problem, type SignedUp, signUp } from './support/users.js';

/** What Postgres refuses for its own sake, in the middle of a change: 503 with Retry-After, and never 500. */
let database: TestDatabase;
let gatehouse: Gatehouse;
let person: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  person = await signUp(gatehouse);
  await database.query('CREATE SEQUENCE faults');
  await database.query(`
    CREATE FUNCTION fail_next() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      IF nextval('faults') < 0 THEN RAISE EXCEPTION 'as asked' USING ERRCODE = TG_ARGV[0]; END IF;
      RETURN NULL;
    END $$`);
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** Lets the next `times` changes of users fail with this SQLSTATE. */
async function failNext(times: number, code: string): Promise<void> {
  await database.query('ALTER SEQUENCE faults MINVALUE -1000000');
  await database.query(`SELECT setval('faults', $1, false)`, [-times]);
  await database.query('DROP TRIGGER IF EXISTS fail_next ON users');
  await database.query(
    `CREATE TRIGGER fail_next AFTER UPDATE ON users FOR EACH STATEMENT EXECUTE FUNCTION fail_next('${code}')`,
  );
}

const REQUESTS: [string, string, () => Record<string, unknown>][] = [
  ['PATCH', '/v1/users/me', () => ({ name: 'Ada' })],
  ['POST', '/v1/auth/login', () => ({ email: person.user.email, password: PASSWORD })],
];

describe.each(['53000', '53100', '53200', '53300', '53400', '58030', '58P01', '55P03', '57014', '57P01', '08006'])(
  '%s',
  (code) => {
    test.each(REQUESTS)('%s %s', async (method, path, body) => {
      await failNext(1, code);
      const answer = await gatehouse.call<Problem>(method, path, { body: body(), token: person.accessToken });
      expect([answer.status, answer.body.code]).toEqual([503, 'database_unavailable']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    });
  },
);

describe.each(['40001', '40P01'])('%s', (code) => {
  test.each(REQUESTS)('%s %s is done all the same', async (method, path, body) => {
    await failNext(2, code);
    const answer = await gatehouse.call<Problem>(method, path, { body: body(), token: person.accessToken });
    expect(answer.status).toBe(200);
  });

  test.each(REQUESTS)('%s %s is 503 where it goes on', async (method, path, body) => {
    await failNext(1_000, code);
    const answer = await gatehouse.call<Problem>(method, path, { body: body(), token: person.accessToken });
    expect([answer.status, answer.body.code]).toEqual([503, 'database_unavailable']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

test('what is wrong with a statement stays a fault of ours', async () => {
  await failNext(1, '42703');
  const answer = await gatehouse.call<Problem>('PATCH', '/v1/users/me', {
    body: { name: 'Ada' },
    token: person.accessToken,
  });
  expect([answer.status, answer.body.code]).toEqual([500, 'internal_error']);
});
