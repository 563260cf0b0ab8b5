import { createDatabase, type TestDatabase, testDatabaseAt } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { mailsTo, tokenFor } from '../support/mail.js';
import { type SignedUp, signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/**
 * An owner who has forgotten the password needs a mail. A stranger who asks for mails in their name neither floods the mailbox nor
 * spends that way in: at every moment a link that works is in the mailbox, or the next request sends one.
 */
let database: TestDatabase;
let gatehouse: Gatehouse;
let hop = 0;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'on', TRUSTED_PROXIES: 'loopback' });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const stranger = () => `198.18.${++hop >> 8}.${hop & 255}`;
/** From where `signUp` signs in. */
const HOME = '127.0.0.1';

async function ask(email: string, address: string, path = '/v1/auth/password/forgot'): Promise<void> {
  const headers = { 'x-forwarded-for': address };
  expect((await gatehouse.call('POST', path, { body: { email }, headers })).status).toBe(202);
}

const resets = async (email: string) =>
  (await mailsTo(gatehouse, email)).filter(({ subject }) => subject.startsWith('Choose a new password')).length;

/** Pieces of deferred work that are not done yet. */
const waiting = async () => (await database.query(`SELECT FROM mail_outbox WHERE topic = 'work'`)).length;

/** As half an hour does. */
const expire = ({ user }: SignedUp) =>
  database.query(`UPDATE one_time_tokens SET expires_at = now() WHERE owner_id = $1 AND purpose = 'reset_password'`, [
    user.id,
  ]);

test('five requests of one stranger send two mails, and the owner gets theirs, at home and elsewhere', async () => {
  const [{ user }, { user: other }] = [await signUp(gatehouse), await signUp(gatehouse)];
  const address = stranger();
  for (const { email } of [user, other]) {
    for (let index = 0; index < 5; index++) await ask(email, address);
    expect(await resets(email)).toBe(2);
  }
  await ask(user.email, HOME);
  expect(await resets(user.email)).toBe(3);
  await ask(other.email, stranger());
  expect(await resets(other.email)).toBe(3);
  const body = { token: await tokenFor(gatehouse, user.email), password: 'quiet lantern over moss' };
  expect((await gatehouse.call('POST', '/v1/auth/password/reset', { body })).status).toBe(200);
});

test('strangers of many networks leave a mail for where the owner has signed in before', async () => {
  const { user } = await signUp(gatehouse);
  await database.query('DELETE FROM quotas');
  await Promise.all(Array.from({ length: 30 }, () => ask(user.email, stranger())));
  expect(await resets(user.email)).toBe(3);
  await ask(user.email, HOME);
  expect(await resets(user.email)).toBe(4);
});

test('the last mail of the hour is kept while those before it are still being made', async () => {
  const { user } = await signUp(gatehouse);
  await database.query('DELETE FROM quotas');
  const holder = testDatabaseAt(database.url);
  await holder.query('BEGIN');
  try {
    await holder.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
    await Promise.all(Array.from({ length: 30 }, () => ask(user.email, stranger())));
    await waitFor(async () => {
      const claimed = await database.query(`SELECT FROM mail_outbox WHERE topic = 'work' AND claimed_by IS NOT NULL`);
      const blocked = await database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return claimed.length === 4 && blocked.length > 0;
    });
  } finally {
    await holder.query('ROLLBACK');
    await holder.close();
  }
  expect(await resets(user.email)).toBe(3);
});

test('what waits for the lock of one account keeps no other from its mail', async () => {
  const [{ user: locked }, { user: other }] = [await signUp(gatehouse), await signUp(gatehouse)];
  const holder = testDatabaseAt(database.url);
  await holder.query('BEGIN');
  try {
    await holder.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [locked.id]);
    await ask(locked.email, HOME);
    const blocked = () =>
      database.query(
        `SELECT query_start FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
    const first = await waitFor(blocked, { until: ({ length }) => length > 0 });
    await ask(other.email, HOME);
    await waitFor(async () => (await waiting()) === 1);
    // The very first attempt still waits: nothing was given up for the other's sake.
    expect(await blocked()).toEqual(first);
  } finally {
    await holder.query('ROLLBACK');
    await holder.close();
  }
  expect([await resets(locked.email), await resets(other.email)]).toEqual([1, 1]);
});

test.each([
  ['asked for a new password', '/v1/auth/password/forgot', 3],
  ['had other mails sent', '/v1/auth/email/resend', 0],
])(
  'where strangers have %s, the owner is sent a link wherever they are, once none of those sent lives',
  async (_, path, sent) => {
    const owner = await signUp(gatehouse);
    const { email } = owner.user;
    await database.query('DELETE FROM quotas');
    await Promise.all(Array.from({ length: 30 }, () => ask(email, stranger(), path)));
    expect(await resets(email)).toBe(sent);
    await expire(owner);
    await Promise.all(Array.from({ length: 30 }, () => ask(email, stranger())));
    // One, however many asked at once: the mailbox is not flooded either.
    expect(await resets(email)).toBe(sent + 1);
  },
);
