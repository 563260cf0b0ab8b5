import { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, signUp } from '../support/users.js';

/**
 * Where a table that only counts is locked, by a migration of somebody else or a backup, requests go on with the counts of their own
 * instance: the wait costs a few of them half of their time, and none its answer.
 */
let database: TestDatabase;
let gatehouse: Gatehouse;
let holder: Client;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'on' });
  holder = new Client({ connectionString: database.url });
  await holder.connect();
});
afterEach(() => holder.query('ROLLBACK'));
afterAll(async () => {
  await holder?.end();
  await gatehouse?.stop();
  await database?.drop();
});

const ROUNDS = 4;

test.each([
  ['guesses', '/v1/auth/login', 200, (email: string) => email],
  ['quotas', '/v1/auth/register', 201, () => freshEmail()],
])('%s', async (table, path, status, emailOf) => {
  const { user } = await signUp(gatehouse);
  await holder.query('BEGIN');
  await holder.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  const statuses: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      [1, 2].map(() =>
        gatehouse.call<Problem>('POST', path, { body: { email: emailOf(user.email), password: PASSWORD } }),
      ),
    );
    statuses.push(...answers.map((answer) => answer.status));
  }
  expect(statuses).toEqual(Array(2 * ROUNDS).fill(status));
});
