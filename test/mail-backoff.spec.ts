import { randomUUID } from 'node:crypto';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { Postbox } from './support/mail.js';
import { freshEmail, PASSWORD } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** How long a mail waits that was not taken, when it is given up, and whose it is meanwhile. */
const WHILE = 30_000;

let database: TestDatabase;
let postbox: Postbox;
let gatehouse: GatehouseProcess;

interface Waiting {
  attempts: number;
  wait: number;
  error: string | null;
}

beforeAll(async () => {
  database = await createDatabase();
  postbox = await Postbox.reserve();
  gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, SMTP_URL: postbox.url, RATE_LIMITS: 'off' });
});

afterEach(async () => {
  await postbox.close();
  postbox.mails.length = 0;
  await database.query('DELETE FROM mail_outbox');
});

afterAll(async () => {
  await gatehouse?.kill();
  await postbox?.close();
  await database?.drop();
});

/** Causes a mail to somebody new. */
const causeMail = (email = freshEmail()) =>
  gatehouse.call('POST', '/v1/auth/register', { body: { email, password: PASSWORD } });

async function waiting(): Promise<Waiting | undefined> {
  const [row] = await database.query<Waiting>(
    `SELECT attempts, extract(epoch FROM due_at - now())::float AS wait, last_error AS error FROM mail_outbox`,
  );
  return row;
}

/** Lets the mail be tried at once. */
const hurry = (changes = '') =>
  database.query(`UPDATE mail_outbox SET due_at = now() ${changes} RETURNING pg_notify('gatehouse', 'mail')`);

const answering = (responseCode: number) => ({
  onRcptTo: (_: unknown, __: unknown, done: (error: Error) => void) =>
    done(Object.assign(new Error('no'), { responseCode })),
});

test('an outage does not count against a mail: the first refusal after it costs seconds', async () => {
  await causeMail();
  await waitFor(async () => (await waiting())?.error != null, { within: WHILE });
  expect((await waiting())!.attempts).toBe(0);
  await postbox.open(answering(451));
  await waitFor(async () => (await waiting())!.attempts === 1, { within: WHILE });
  expect((await waiting())!.wait).toBeLessThan(3);
  // The next ones cost more each time.
  await waitFor(async () => (await waiting())!.attempts === 2, { within: WHILE });
  expect((await waiting())!.wait).toBeGreaterThan(3);
});

test('an outage longer than any back-off loses no mail, even if the server then asks to come again', async () => {
  await causeMail();
  await database.query(`UPDATE mail_outbox SET created_at = now() - interval '8 days'`);
  await waitFor(async () => (await waiting())?.error != null, { within: WHILE });
  await postbox.open(answering(451));
  await waitFor(async () => (await waiting())!.attempts > 0, { within: WHILE });
  await postbox.close();
  await postbox.open();
  await hurry();
  await waitFor(() => postbox.mails.length === 1, { within: WHILE });
  expect(gatehouse.output).not.toContain('is given up');
});

/** RFC 5321, 4.2.1: 4yz asks to come again, 5yz not to. */
test.each([
  [451, 40],
  [550, 5],
])('a mail that is answered %i is given up after %i attempts, and not before', async (code, most) => {
  await postbox.open(answering(code));
  const email = freshEmail();
  await causeMail(email);
  await waitFor(async () => (await waiting())!.attempts === 1, { within: WHILE });
  await hurry(`, attempts = ${most - 2}`);
  await waitFor(async () => (await waiting())!.attempts === most - 1, { within: WHILE });
  expect(gatehouse.output).not.toContain(`given up after ${most}`);
  await hurry();
  await waitFor(async () => (await waiting()) === undefined, { within: WHILE });
  expect(gatehouse.output).toContain(
    `is given up after ${most} attempts: the mail server does not take this recipient (EENVELOPE RCPT TO ${code})`,
  );
  expect(gatehouse.output).not.toContain(email);
});

/** RFC 5321, 4.5.3.2.6: who asks again too soon sends copies. */
test('a mail that was perhaps taken is an attempt: its copies come ever later, not again and again', async () => {
  await postbox.open({
    onData: (stream, { envelope }, _done) => {
      stream.resume();
      stream.on('end', () => {
        postbox.take('', envelope as never);
        postbox.hangUp();
      });
    },
  });
  await causeMail();
  await waitFor(async () => (await waiting())!.attempts === 2, { within: WHILE });
  expect((await waiting())!.wait).toBeGreaterThan(3);
  expect((await waiting())!.error).toMatch(/\(ECONNECTION CONN after its last byte\)$/);
  expect(postbox.mails).toHaveLength(2);
  await hurry(', attempts = 39');
  await waitFor(async () => (await waiting()) === undefined, { within: WHILE });
});

test('a mail whose answer is slow holds up no other, and is left to the instance that has taken it over', async () => {
  let answer: (() => void) | undefined;
  await postbox.open({
    onData: (stream, { envelope }, done) => {
      stream.resume();
      stream.on('end', () => {
        if (answer) {
          postbox.take('', envelope as never);
          done();
        } else answer = () => done();
      });
    },
  });
  await causeMail();
  await waitFor(() => answer !== undefined, { within: WHILE });
  await causeMail();
  await waitFor(() => postbox.mails.length === 1, { within: WHILE });
  const left = async () => (await database.query('SELECT FROM mail_outbox')).length;
  await waitFor(async () => (await left()) === 1, { within: WHILE });

  const other = randomUUID();
  await database.query(`UPDATE mail_outbox SET claimed_by = $1, due_at = now() + interval '1 hour'`, [other]);
  answer!();
  // The instance goes on with other mails, and has touched this one no more.
  await causeMail();
  await waitFor(() => postbox.mails.length === 2, { within: WHILE });
  await waitFor(async () => (await left()) === 1, { within: WHILE });
  const [row] = await database.query<{ wait: number }>(
    'SELECT extract(epoch FROM due_at - now())::float AS wait FROM mail_outbox WHERE claimed_by = $1',
    [other],
  );
  expect(row!.wait).toBeGreaterThan(3_000);
});
