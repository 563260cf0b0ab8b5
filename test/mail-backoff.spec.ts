import { randomUUID } from 'node:crypto';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { Postbox } from './support/mail.js';
import { freshEmail, PASSWORD } from './support/people.js';

/** How long a mail waits that was not taken, and whose it is meanwhile. */
const WHILE = 30_000;

let database: TestDatabase;
let postbox: Postbox;
let gatehouse: GatehouseProcess;

interface Waiting {
  attempts: number;
  wait: number;
  error: string | null;
}

beforeEach(async () => {
  database = await createDatabase();
  postbox = await Postbox.reserve();
  gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, SMTP_URL: postbox.url, RATE_LIMITS: 'off' });
  await gatehouse.call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD } });
});

afterEach(async () => {
  await gatehouse?.kill();
  await postbox?.close();
  await database?.drop();
});

async function waiting(): Promise<Waiting | undefined> {
  const [row] = await database.query<Waiting>(
    `SELECT attempts, extract(epoch FROM due_at - now())::float AS wait, last_error AS error FROM mail_outbox`,
  );
  return row;
}

const refusing = { onRcptTo: (_: unknown, __: unknown, done: (error: Error) => void) => done(new Error('greylisted')) };

test('an outage does not count against a mail: the first refusal after it costs seconds', async () => {
  await eventually(async () => (await waiting())?.error != null, WHILE);
  expect((await waiting())!.attempts).toBe(0);
  await postbox.open(refusing);
  await eventually(async () => (await waiting())!.attempts === 1, WHILE);
  expect((await waiting())!.wait).toBeLessThan(3);
  // The next ones cost more each time.
  await eventually(async () => (await waiting())!.attempts === 2, WHILE);
  expect((await waiting())!.wait).toBeGreaterThan(3);
});

test('a mail is given up for what the server says of it, never for a server that is away', async () => {
  await database.query(`UPDATE mail_outbox SET created_at = now() - interval '8 days'`);
  await eventually(async () => (await waiting())?.error != null, WHILE);
  const before = (await waiting())!.error;
  await database.query('UPDATE mail_outbox SET last_error = NULL, due_at = now()');
  await eventually(async () => (await waiting())?.error === before, WHILE);
  await postbox.open(refusing);
  await eventually(async () => (await waiting()) === undefined, WHILE);
  expect(gatehouse.output).toContain('is given up');
});

test('an instance whose lease was taken over leaves the mail to whoever has it', async () => {
  let answer: (() => void) | undefined;
  await postbox.open({
    onData: (stream, _, done) => {
      stream.resume();
      stream.on('end', () => {
        answer = () => done();
      });
    },
  });
  await eventually(() => answer !== undefined, WHILE);
  const other = randomUUID();
  await database.query(`UPDATE mail_outbox SET claimed_by = $1, due_at = now() + interval '1 hour'`, [other]);
  answer!();
  // The instance goes on with other mails, and has touched this one no more.
  await gatehouse.call('POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD } });
  await eventually(async () => (await database.query('SELECT FROM mail_outbox')).length === 2, WHILE);
  const [row] = await database.query<{ wait: number }>(
    'SELECT extract(epoch FROM due_at - now())::float AS wait FROM mail_outbox WHERE claimed_by = $1',
    [other],
  );
  expect(row!.wait).toBeGreaterThan(3_000);
});
