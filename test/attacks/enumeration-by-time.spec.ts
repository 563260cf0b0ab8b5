import { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse, GatehouseProcess } from '../support/gatehouse.js';
import { mailsTo } from '../support/mail.js';
import { freshEmail, PASSWORD, type Problem, signIn, signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/**
 * What is answered does not tell by its time who has an account (ASVS 5.0, 6.3.8), however busy the server is: it is answered
 * before any account is looked at. So an answer comes even while nobody can read one.
 */
let database: TestDatabase;
let holder: Client;

beforeAll(async () => {
  database = await createDatabase();
  holder = new Client(database.url);
  await holder.connect();
});

afterAll(async () => {
  await holder?.end();
  await database?.drop();
});

/** Runs `work` while nobody else reads what `lock` locks. */
async function whileLocked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  await holder.query('BEGIN');
  await holder.query(lock);
  try {
    return await work();
  } finally {
    await holder.query('COMMIT');
  }
}

const nobodyReadsUsers = <T>(work: () => Promise<T>) => whileLocked('LOCK TABLE users', work);
const env = () => ({ DATABASE_URL: database.url });

test.each([
  ['/v1/auth/password/forgot', 'optional', {}, 1],
  ['/v1/auth/email/resend', 'optional', {}, 2],
  ['/v1/auth/register', 'required', { password: PASSWORD }, 1],
])('%s looks at no account before it answers', async (path, verification, form, mails) => {
  const gatehouse = await Gatehouse.start({ ...env(), EMAIL_VERIFICATION: verification });
  try {
    const known = freshEmail();
    await gatehouse.call('POST', '/v1/auth/register', { body: { email: known, password: PASSWORD } });
    await mailsTo(gatehouse, known);
    const answers = await nobodyReadsUsers(async () => {
      const ask = async (email: string) => {
        const { status, text } = await gatehouse.call('POST', path, { body: { ...form, email } });
        return `${status} ${text}`;
      };
      return [await ask(known), await ask(freshEmail()), await ask(known)];
    });
    expect(answers).toEqual(Array(3).fill(expect.stringMatching(/^202 /)));
    expect(new Set(answers).size).toBe(1);
    expect(await mailsTo(gatehouse, known)).toHaveLength(3);
    expect(mails).toBeGreaterThan(0);
  } finally {
    await gatehouse.stop();
  }
});

test('to ask for another address looks at no other account', async () => {
  const gatehouse = await Gatehouse.start(env());
  try {
    const { user } = await signUp(gatehouse);
    const { accessToken } = await signUp(gatehouse);
    const lock = `SELECT FROM users WHERE email = '${user.email}' FOR UPDATE`;
    const statuses = await whileLocked(lock, async () => {
      const ask = async (email: string) => {
        const body = { email, password: PASSWORD };
        return (await gatehouse.call('POST', '/v1/users/me/email', { body, token: accessToken })).status;
      };
      return [await ask(user.email), await ask(freshEmail())];
    });
    expect(statuses).toEqual([202, 202]);
  } finally {
    await gatehouse.stop();
  }
});

test('where too much waits, both are told so alike', async () => {
  const gatehouse = await Gatehouse.start(env());
  try {
    const { user } = await signUp(gatehouse);
    await database.query(
      `INSERT INTO mail_outbox (id, kind, sealed, topic, due_at)
       SELECT gen_random_uuid(), 'test', '', 'work', now() + interval '1 hour' FROM generate_series(1, 1000)`,
    );
    for (const email of [user.email, freshEmail()]) {
      for (const path of ['/v1/auth/password/forgot', '/v1/auth/email/resend']) {
        const { status, body, headers } = await gatehouse.call<Problem>('POST', path, { body: { email } });
        expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'overloaded', '2']);
      }
    }
    await database.query(`DELETE FROM mail_outbox WHERE topic = 'work' AND kind = 'test'`);
    expect((await gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email: user.email } })).status).toBe(
      202,
    );
  } finally {
    await gatehouse.stop();
  }
});

describe('what was accepted is done', () => {
  const subjects = async (gatehouse: Gatehouse, email: string) =>
    (await mailsTo(gatehouse, email)).map(({ subject }) => subject.replace(' – Gatehouse', ''));

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'once, also where the server is ended by %s before it is begun',
    async (signal) => {
      const server = await GatehouseProcess.start(env());
      const { user } = await signUp(server);
      await nobodyReadsUsers(async () => {
        const { status } = await server.call('POST', '/v1/auth/password/forgot', { body: { email: user.email } });
        expect(status).toBe(202);
        if (signal === 'SIGKILL') await server.kill();
      });
      if (signal === 'SIGTERM') {
        expect((await server.stop()).code).toBe(0);
        expect(await database.query(`SELECT FROM mail_outbox WHERE topic = 'work'`)).toEqual([]);
      }
      const next = await Gatehouse.start(env());
      try {
        await waitFor(async () => (await subjects(next, user.email)).length > 1);
        expect(await subjects(next, user.email)).toEqual(['Choose a new password', 'Confirm your email address']);
      } finally {
        await next.stop();
      }
    },
  );

  test('and a database that fails meanwhile is asked again', async () => {
    const gatehouse = await Gatehouse.start(env());
    try {
      const { user } = await signUp(gatehouse);
      await database.query('ALTER TABLE one_time_tokens RENAME TO elsewhere');
      const { status } = await gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email: user.email } });
      expect(status).toBe(202);
      await waitFor(async () => (await database.query('SELECT FROM mail_outbox WHERE attempts > 0')).length === 1);
      await database.query('ALTER TABLE elsewhere RENAME TO one_time_tokens');
      await waitFor(async () => (await subjects(gatehouse, user.email)).includes('Choose a new password'));
      expect((await signIn(gatehouse, user.email)).user.id).toBe(user.id);
    } finally {
      await gatehouse.stop();
    }
  });
});
