import type { SMTPServerSession } from 'smtp-server';
import { createDatabase, type TestDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { Postbox } from './support/mail.js';
import { freshEmail, PASSWORD } from './support/people.js';

/** From the outbox to a real mail server: each mail arrives, and once. */
/** Milliseconds: the lease of a killed instance and the pause before a server is tried again are well within it. */
const WHILE = 90_000;

/** A database, a mail server that is down until it is opened, and the instances between them. */
interface Scene {
  database: TestDatabase;
  postbox: Postbox;
  start(env?: Record<string, string>): Promise<GatehouseProcess>;
  /** The ids of the mails in the outbox. */
  waiting(): Promise<string[]>;
  /** Resolves when the outbox is empty. */
  idle(): Promise<unknown>;
}

/** A test on a scene of its own. What they do most is wait for a lease or a pause to pass: they wait side by side. */
function delivery(name: string, work: (scene: Scene) => Promise<void>): void {
  const played = async () => {
    const [database, postbox] = await Promise.all([createDatabase(), Postbox.reserve()]);
    const running: GatehouseProcess[] = [];
    const start = async (env = {}) => {
      const own = { DATABASE_URL: database.url, SMTP_URL: postbox.url, MAIL_FROM: 'Gate <gate@example.com>' };
      const gatehouse = await GatehouseProcess.start({ ...own, ...env });
      running.push(gatehouse);
      return gatehouse;
    };
    const waiting = async () =>
      (await database.query<{ id: string }>('SELECT id FROM mail_outbox')).map(({ id }) => id);
    const idle = () => eventually(async () => (await waiting()).length === 0, WHILE);
    try {
      await work({ database, postbox, start, waiting, idle });
    } finally {
      for (const gatehouse of running) await gatehouse.kill();
      await postbox.close();
      await database.drop();
    }
  };
  test.concurrent(name, played, 4 * WHILE);
}

const register = (gatehouse: GatehouseProcess, email: string) =>
  gatehouse.call('POST', '/v1/auth/register', { body: { email, password: PASSWORD } });

/** Registers one person and asks for so many password mails. Their number in the outbox when nothing is delivered. */
async function request(gatehouse: GatehouseProcess, count: number): Promise<void> {
  const email = freshEmail();
  await register(gatehouse, email);
  for (let sent = 0; sent < count - 1; sent += 10) {
    const batch = Array.from({ length: Math.min(10, count - 1 - sent) }, () =>
      gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email } }),
    );
    for (const { status } of await Promise.all(batch)) expect(status).toBe(202);
  }
}

delivery('a mail arrives in text and HTML, from us, to its one address', async ({ postbox, start, idle }) => {
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

delivery(
  'a mail server that is down slows no request and loses nothing: a thousand mails arrive when it returns',
  async ({ postbox, start, waiting, idle }) => {
    const gatehouse = await start();
    const begun = performance.now();
    await request(gatehouse, 1000);
    const perRequest = (performance.now() - begun) / 1000;
    expect(perRequest).toBeLessThan(100);
    const queued = await waiting();
    expect(queued).toHaveLength(1000);
    await postbox.open();
    await eventually(() => postbox.mails.length >= 1000, WHILE);
    await idle();
    expect(postbox.mails.map(({ id }) => id).sort()).toEqual(queued.sort());
  },
);

delivery('several instances send each mail once', async ({ postbox, start, waiting, idle }) => {
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

delivery(
  'killed between request and delivery: nothing is lost, and nothing is sent twice but what SMTP left in doubt',
  async ({ postbox, start, waiting, idle }) => {
    const first = await start();
    await request(first, 60);
    const queued = await waiting();
    // A server slow enough for the kill to fall into the middle of it, and one that waits for a kill that comes late.
    let killed = false;
    await postbox.open({
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () =>
          setTimeout(() => {
            postbox.take(Buffer.concat(chunks).toString(), session.envelope as never);
            if (killed || postbox.mails.length < 40) callback();
          }, 20),
        );
      },
    });
    await eventually(() => postbox.mails.length >= 15, WHILE);
    await first.kill();
    killed = true;
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
  },
);

delivery(
  'killed or stopped while the mail server hangs: the mail arrives once',
  async ({ database, postbox, start, idle }) => {
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
  },
);

delivery(
  'SIGTERM lets the mail under way arrive and leaves the rest to the next start',
  async ({ postbox, start, idle }) => {
    const first = await start();
    await request(first, 30);
    await postbox.open();
    await eventually(() => postbox.mails.length > 0, WHILE);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await start();
    await idle();
    expect(new Set(postbox.mails.map(({ id }) => id)).size).toBe(30);
    expect(postbox.mails).toHaveLength(30);
  },
);

delivery(
  'a mail that the server refuses waits alone, and the others go on',
  async ({ database, postbox, start, waiting }) => {
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
  },
);

delivery('a server whose certificate cannot be checked gets no mail', async ({ database, postbox, start }) => {
  await postbox.open({ secure: true });
  const gatehouse = await start({ SMTP_URL: `smtps://localhost:${postbox.port}` });
  await register(gatehouse, freshEmail());
  await eventually(
    async () => (await database.query('SELECT FROM mail_outbox WHERE last_error IS NOT NULL')).length === 1,
    WHILE,
  );
  expect(postbox.mails).toEqual([]);
});
