import type { SMTPServerSession } from 'smtp-server';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { Gatehouse } from './support/gatehouse.js';
import { Postbox } from './support/mail.js';
import { freshEmail, PASSWORD } from './support/people.js';

/** From the outbox to a real mail server: each mail arrives, and once. */
/** Milliseconds: the lease of a killed instance and the pause before a server is tried again are within it. */
const WHILE = 30_000;

let database: TestDatabase;
let postbox: Postbox;
const running: Gatehouse[] = [];

beforeEach(async () => {
  database = await createDatabase();
  postbox = await Postbox.reserve();
});

afterEach(async () => {
  for (const gatehouse of running.splice(0)) await gatehouse.kill();
  await postbox.close();
  await database.drop();
});

async function start(env: Record<string, string> = {}): Promise<Gatehouse> {
  const gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    SMTP_URL: postbox.url,
    MAIL_FROM: 'Gate <gate@example.com>',
    RATE_LIMITS: 'off',
    ...env,
  });
  running.push(gatehouse);
  return gatehouse;
}

const register = (gatehouse: Gatehouse, email: string) =>
  gatehouse.call('POST', '/v1/auth/register', { body: { email, password: PASSWORD } });
const waiting = async () => (await database.query<{ id: string }>('SELECT id FROM mail_outbox')).map(({ id }) => id);
const idle = () => eventually(async () => (await waiting()).length === 0, WHILE);

/** Registers one person and asks for so many password mails. Their number in the outbox when nothing is delivered. */
async function request(gatehouse: Gatehouse, count: number): Promise<void> {
  const email = freshEmail();
  await register(gatehouse, email);
  for (let sent = 0; sent < count - 1; sent += 50) {
    const batch = Array.from({ length: Math.min(50, count - 1 - sent) }, () =>
      gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email } }),
    );
    for (const { status } of await Promise.all(batch)) expect(status).toBe(202);
  }
}

test('a mail arrives in text and HTML, from us, to its one address', async () => {
  await postbox.open();
  const gatehouse = await start();
  const email = freshEmail();
  expect((await register(gatehouse, email)).status).toBe(202);
  await eventually(() => postbox.mails.length === 1, WHILE);
  const [{ id, from, to, source }] = postbox.mails as [(typeof postbox.mails)[0]];
  expect([from, to]).toEqual(['gate@example.com', [email]]);
  expect(source).toMatch(/^From: Gate <gate@example.com>$/im);
  expect(source).toMatch(/^Auto-Submitted: auto-generated$/im);
  expect(source).toMatch(/^Content-Type: multipart\/alternative/im);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);

  const token = /verify-email#token=3D([\w=\r\n-]+?)\r?\n\r?\n/.exec(source)![1]!.replace(/=\r?\n/g, '');
  const verify = () => gatehouse.call('POST', '/v1/auth/email/verify', { body: { token } });
  expect((await verify()).status).toBe(200);
  await idle();
  expect((await gatehouse.call('GET', '/dev/outbox')).status).toBe(404);
});

test('a mail server that is down slows no request and loses nothing: a thousand mails arrive when it returns', async () => {
  const gatehouse = await start();
  const begun = performance.now();
  await request(gatehouse, 1000);
  const perRequest = (performance.now() - begun) / 1000;
  expect(perRequest).toBeLessThan(100);
  const queued = await waiting();
  expect(queued).toHaveLength(1000);
  await postbox.open();
  await eventually(() => postbox.mails.length >= 1000, 2 * WHILE);
  await idle();
  expect(postbox.mails.map(({ id }) => id).sort()).toEqual(queued.sort());
}, 120_000);

test('several instances send each mail once', async () => {
  const first = await start();
  await start();
  await start();
  await request(first, 200);
  const queued = await waiting();
  await postbox.open();
  await idle();
  expect(queued).toHaveLength(200);
  expect(postbox.mails.map(({ id }) => id).sort()).toEqual(queued.sort());
});

test('killed between request and delivery: nothing is lost, and nothing is sent twice but what SMTP left in doubt', async () => {
  const first = await start();
  await request(first, 60);
  const queued = await waiting();
  // A server slow enough for the kill to fall into the middle of it.
  await postbox.open({
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () =>
        setTimeout(() => {
          postbox.take(Buffer.concat(chunks).toString(), session.envelope as never);
          callback();
        }, 20),
      );
    },
  });
  await eventually(() => postbox.mails.length >= 15, WHILE);
  await first.kill();
  // Taken by the server, but the row is there: the "250" and the removal were cut apart. These alone may come again.
  const left = await waiting();
  const taken = new Set(postbox.mails.map(({ id }) => id));
  const inDoubt = left.filter((id) => taken.has(id));
  expect(left.length).toBeGreaterThan(10);
  expect(inDoubt.length).toBeLessThanOrEqual(10);

  await start();
  await idle();
  const counts = new Map<string, number>();
  for (const { id } of postbox.mails) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect([...counts.keys()].sort()).toEqual(queued.sort());
  const twice = [...counts].filter(([, count]) => count > 1).map(([id]) => id);
  expect(twice.filter((id) => !inDoubt.includes(id))).toEqual([]);
});

test('killed or stopped while the mail server hangs: the mail arrives once', async () => {
  const hanging: SMTPServerSession[] = [];
  await postbox.open({ onData: (_stream, session) => void hanging.push(session) });
  const first = await start();
  await register(first, freshEmail());
  await eventually(() => hanging.length === 1, WHILE);
  await first.kill();
  // As if the time of its lease had passed.
  await database.query(`UPDATE mail_outbox SET due_at = due_at - interval '10 s'`);
  const second = await start();
  await eventually(() => hanging.length === 2, WHILE);
  expect(await second.stop()).toEqual({ code: 0, signal: null });
  await postbox.close();
  await postbox.open();
  await start();
  await idle();
  expect(postbox.mails).toHaveLength(1);
});

test('SIGTERM lets the mail under way arrive and leaves the rest to the next start', async () => {
  const first = await start();
  await request(first, 30);
  await postbox.open();
  await eventually(() => postbox.mails.length > 0, WHILE);
  expect(await running.pop()!.stop()).toEqual({ code: 0, signal: null });
  await start();
  await idle();
  expect(new Set(postbox.mails.map(({ id }) => id)).size).toBe(30);
  expect(postbox.mails).toHaveLength(30);
});

test('a mail that the server refuses waits alone, and the others go on', async () => {
  await postbox.open({
    onRcptTo: ({ address }, _session, callback) =>
      callback(address.startsWith('full') ? Object.assign(new Error('mailbox full'), { responseCode: 452 }) : null),
  });
  const gatehouse = await start();
  await register(gatehouse, 'full@example.com');
  const email = freshEmail();
  await register(gatehouse, email);
  await eventually(() => postbox.mails.length === 1, WHILE);
  expect(postbox.mails[0]!.to).toEqual([email]);
  await eventually(async () => (await waiting()).length === 1, WHILE);
  const [row] = await database.query<{ last_error: string }>('SELECT last_error FROM mail_outbox');
  expect(row!.last_error).toBe('EENVELOPE RCPT TO 452');
  expect(gatehouse.output).not.toContain('full@example.com');
});

test('a server whose certificate cannot be checked gets no mail', async () => {
  await postbox.open({ secure: true });
  const gatehouse = await start({ SMTP_URL: `smtps://localhost:${postbox.port}` });
  await register(gatehouse, freshEmail());
  await eventually(
    async () => (await database.query('SELECT FROM mail_outbox WHERE last_error IS NOT NULL')).length === 1,
    WHILE,
  );
  expect(postbox.mails).toEqual([]);
});
