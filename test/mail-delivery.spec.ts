import type { SMTPServerOptions } from 'smtp-server';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { Postbox } from './support/mail.js';
import { freshEmail, PASSWORD, type SignedUp, signIn, type Tokens } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** From the outbox to a real mail server: each mail arrives, and once. One deployment, whose instances come and go. */
/** Milliseconds: the lease of a killed instance and the pause before a server is tried again are well within it. */
const WHILE = 90_000;
/** Mails that one instance has under way at most. */
const AT_ONCE = 5;

let database: TestDatabase;
let postbox: Postbox;
const running: GatehouseProcess[] = [];

beforeAll(async () => {
  [database, postbox] = await Promise.all([createDatabase(), Postbox.reserve()]);
});

afterEach(async () => {
  await postbox.close();
  postbox.mails.length = 0;
  await database.query('DELETE FROM mail_outbox');
});

afterAll(async () => {
  for (const gatehouse of running) await gatehouse.kill();
  await postbox?.close();
  await database?.drop();
});

/** So many instances: those that run, and as many new ones as that takes. */
async function instances(count: number): Promise<GatehouseProcess[]> {
  const env = { DATABASE_URL: database.url, SMTP_URL: postbox.url, MAIL_FROM: 'Gate <gate@example.com>' };
  while (running.length < count) running.push(await GatehouseProcess.start(env));
  return running.slice(0, count);
}

async function instance(): Promise<GatehouseProcess> {
  const [gatehouse] = await instances(1);
  return gatehouse!;
}

/** Takes an instance out of the deployment, in order or as a crash would. */
async function end(gatehouse: GatehouseProcess, how: 'stop' | 'kill'): Promise<void> {
  running.splice(running.indexOf(gatehouse), 1);
  if (how === 'kill') return gatehouse.kill();
  expect(await gatehouse.stop()).toEqual({ code: 0, signal: null });
}

/** The ids of the mails in the outbox. */
async function waiting(): Promise<string[]> {
  const rows = await database.query<{ id: string }>("SELECT id FROM mail_outbox WHERE topic = 'mail'");
  return rows.map(({ id }) => id);
}

/** Resolves when everything that was asked for is a mail. */
async function written(): Promise<void> {
  const work = "SELECT FROM mail_outbox WHERE topic = 'work'";
  await waitFor(async () => (await database.query(work)).length === 0, { within: WHILE });
}

/** Resolves when so many mails have arrived and the outbox is empty. */
async function delivered(count: number): Promise<void> {
  await waitFor(() => postbox.mails.length >= count, { within: WHILE });
  await waitFor(async () => (await waiting()).length === 0, { within: WHILE });
}

const arrived = () => postbox.mails.map(({ id }) => id).sort();

const register = (gatehouse: GatehouseProcess, email: string) =>
  gatehouse.call('POST', '/v1/auth/register', { body: { email, password: PASSWORD } });

/** The token in the newest mail, as it was sent. */
function newestToken(): string {
  const { source } = postbox.mails.at(-1)!;
  return /verify-email#token=3D([\w=\r\n-]+?)\r?\n\r?\n/.exec(source)![1]!.replace(/=\r?\n/g, '');
}

const verify = (gatehouse: GatehouseProcess) =>
  gatehouse.call('POST', '/v1/auth/email/verify', { body: { token: newestToken() } });

/** Somebody new who has confirmed the address and signed in; the mail server is up. */
async function member(gatehouse: GatehouseProcess): Promise<SignedUp> {
  const email = freshEmail();
  await register(gatehouse, email);
  await waitFor(() => postbox.mails.some(({ to }) => to[0] === email), { within: WHILE });
  await verify(gatehouse);
  return signIn(gatehouse, email);
}

/** So many people ask for mails at the same moment. */
const CROWD = 50;

/** Registers up to 50 people and asks for password mails for them, until all are in the outbox, unless they are delivered. */
async function request(gatehouse: GatehouseProcess, count: number): Promise<void> {
  const emails = Array.from({ length: Math.min(CROWD, count) }, freshEmail);
  for (let sent = 0; sent < count; sent += CROWD) {
    const batch = emails.slice(0, count - sent).map((email) => {
      const [path, body] =
        sent === 0 ? ['/v1/auth/register', { email, password: PASSWORD }] : ['/v1/auth/password/forgot', { email }];
      return gatehouse.call('POST', path, { body });
    });
    for (const { status } of await Promise.all(batch)) expect(status).toBe(202);
  }
  await written();
}

/** A mail server that has mails and does not answer, until it is let go. */
function holding() {
  const held: (() => void)[] = [];
  let free = false;
  const options: SMTPServerOptions = {
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const take = () => {
          postbox.take(Buffer.concat(chunks).toString(), envelope as never);
          done();
        };
        if (free) take();
        else held.push(take);
      });
    },
  };
  const letGo = () => {
    free = true;
    for (const take of held.splice(0)) take();
  };
  return { held, options, letGo };
}

test('a mail arrives in text and HTML, from us, to its one address', async () => {
  await postbox.open();
  const gatehouse = await instance();
  const email = freshEmail();
  expect((await register(gatehouse, email)).status).toBe(202);
  await waitFor(() => postbox.mails.length === 1, { within: WHILE });
  const [{ id, from, to, source }] = postbox.mails as [(typeof postbox.mails)[0]];
  expect([from, to]).toEqual(['gate@example.com', [email]]);
  expect(source).toMatch(/^From: Gate <gate@example.com>$/im);
  expect(source).toMatch(/^Auto-Submitted: auto-generated$/im);
  expect(source).toMatch(/^Content-Type: multipart\/alternative/im);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect((await verify(gatehouse)).status).toBe(200);
  await delivered(1);
  expect((await gatehouse.call('GET', '/dev/outbox')).status).toBe(404);
});

test('a mail that the server refuses waits alone, and the others go on', async () => {
  await postbox.open({
    onRcptTo: ({ address }, _session, callback) =>
      callback(address.startsWith('full') ? Object.assign(new Error('mailbox full'), { responseCode: 452 }) : null),
  });
  const gatehouse = await instance();
  await register(gatehouse, 'full@example.com');
  const email = freshEmail();
  await register(gatehouse, email);
  await waitFor(() => postbox.mails.length === 1, { within: WHILE });
  expect(postbox.mails[0]!.to).toEqual([email]);
  await waitFor(async () => (await waiting()).length === 1, { within: WHILE });
  // The one that waits may still be on its way to its first refusal.
  await waitFor(
    async () => {
      const [row] = await database.query<{ last_error: string }>('SELECT last_error FROM mail_outbox');
      expect(row!.last_error).toBe('the mail server does not take this recipient (EENVELOPE RCPT TO 452)');
    },
    { within: WHILE },
  );
  expect(gatehouse.output).not.toContain('full@example.com');
});

test('a request that mails does not wait for a mail server that hangs', async () => {
  await postbox.open();
  const gatehouse = await instance();
  let { accessToken } = await member(gatehouse);
  const passwords = [PASSWORD, 'quiet lantern over moss'];

  /** Milliseconds of one change of the password, which mails a notice and has no least time of its own. */
  const change = async () => {
    const [currentPassword, newPassword] = passwords as [string, string];
    passwords.reverse();
    const begun = performance.now();
    const body = { currentPassword, newPassword };
    const answer = await gatehouse.call<Tokens>('POST', '/v1/users/me/password', { body, token: accessToken });
    expect(answer.status).toBe(200);
    accessToken = answer.body.accessToken;
    return performance.now() - begun;
  };
  let asked = 0;
  const hanging = { onConnect: () => void asked++ };
  await postbox.close();
  await postbox.open(hanging);
  const times: number[] = [];
  for (let i = 0; i < 10; i++) times.push(await change());
  await waitFor(() => asked > 0, { within: WHILE });
  // The server's greeting is waited for 10 s: not a single request waited along.
  expect(Math.max(...times)).toBeLessThan(5_000);
});

test('the mails that wait for an account are in its export, and go with it: the farewell is the last one', async () => {
  await postbox.open();
  const gatehouse = await instance();
  const [leaving, removed, other] = [await member(gatehouse), await member(gatehouse), await member(gatehouse)];
  await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [other.user.id]);
  const { accessToken: asAdmin } = await signIn(gatehouse, other.user.email);
  await waitFor(async () => (await waiting()).length === 0, { within: WHILE });
  await postbox.close();
  postbox.mails.length = 0;
  for (const { user } of [leaving, removed, other])
    await gatehouse.call('POST', '/v1/auth/password/forgot', { body: { email: user.email } });
  await written();
  expect(await waiting()).toHaveLength(3);

  const token = leaving.accessToken;
  const { body, text } = await gatehouse.call<{ mails: unknown[] }>('GET', '/v1/users/me/export', { token });
  expect(body.mails).toEqual([{ subject: 'Choose a new password – Gatehouse', createdAt: expect.any(String) }]);
  expect(text).not.toContain('#token=');
  const left = await gatehouse.call('DELETE', '/v1/users/me', { token, body: { password: PASSWORD } });
  const gone = await gatehouse.call('DELETE', `/v1/users/${removed.user.id}`, { token: asAdmin });
  expect([left.status, gone.status]).toEqual([204, 204]);

  const queued = await database.query<{ kind: string }>('SELECT kind FROM mail_outbox ORDER BY id');
  expect(queued.map(({ kind }) => kind)).toEqual(['reset_password', 'account_deleted']);
  await postbox.open();
  await waitFor(() => postbox.mails.length === 2, { within: WHILE });
  expect(postbox.mails.map(({ to }) => to[0]).sort()).toEqual([leaving.user.email, other.user.email].sort());
});

test('a mail server that is down loses nothing: a thousand mails arrive when it returns', async () => {
  await request(await instance(), 1000);
  const queued = await waiting();
  expect(queued).toHaveLength(1000);
  await postbox.open();
  await delivered(1000);
  expect(arrived()).toEqual(queued.sort());
});

test('several instances send each mail once', async () => {
  const { held, options, letGo } = holding();
  await postbox.open(options);
  const [first] = await instances(3);
  await request(first!, 100);
  // All of them are at it.
  await waitFor(() => held.length === 3 * AT_ONCE, { within: WHILE });
  const queued = await waiting();
  expect(queued).toHaveLength(100);
  letGo();
  await delivered(100);
  expect(arrived()).toEqual(queued.sort());
});

test('SIGTERM lets the mails under way arrive and leaves the rest to others', async () => {
  const { held, options, letGo } = holding();
  await postbox.open(options);
  const [first, , third] = await instances(3);
  await request(first!, 30);
  await waitFor(() => held.length === 3 * AT_ONCE, { within: WHILE });
  const queued = await waiting();
  const stopped = end(third!, 'stop');
  await waitFor(async () => (await third!.call('GET', '/health/live').catch(() => null)) === null, { within: WHILE });
  letGo();
  await stopped;
  await delivered(30);
  expect(arrived()).toEqual(queued.sort());
});

test('killed between request and delivery: nothing is lost, and nothing is sent twice but what SMTP left in doubt', async () => {
  const [first, second] = await instances(2);
  // It takes over only after the kill.
  second!.process.kill('SIGSTOP');
  await request(first!, 60);
  const queued = await waiting();
  // A server slow enough for the kill to fall into the middle of it, one that waits for a kill that comes late, and that
  // hangs on one mail.
  let killed = false;
  let hanging = false;
  await postbox.open({
    onData: (stream, session, callback) => {
      if (!hanging) {
        hanging = true;
        return;
      }
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
  await waitFor(() => postbox.mails.length >= 15, { within: WHILE });
  await end(first!, 'kill');
  killed = true;
  // Taken by the server, but the row is there: the "250" and the removal were cut apart. These alone may come again.
  const left = await waiting();
  const taken = new Set(postbox.mails.map(({ id }) => id));
  const inDoubt = left.filter((id) => taken.has(id));
  expect(left.length).toBeGreaterThan(10);
  expect(inDoubt.length).toBeLessThanOrEqual(AT_ONCE);

  second!.process.kill('SIGCONT');
  await delivered(60);
  const counts = new Map<string, number>();
  for (const { id } of postbox.mails) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect([...counts.keys()].sort()).toEqual(queued.sort());
  const twice = [...counts].filter(([, count]) => count > 1).map(([id]) => id);
  expect(twice.filter((id) => !inDoubt.includes(id))).toEqual([]);
});

test('stopped while the mail server hangs: the mail is given back, and arrives once', async () => {
  let hanging = 0;
  await postbox.open({ onData: () => void hanging++ });
  const gatehouse = await instance();
  await register(gatehouse, freshEmail());
  await waitFor(() => hanging === 1, { within: WHILE });
  await end(gatehouse, 'stop');
  expect(await waiting()).toHaveLength(1);
  await postbox.close();
  await postbox.open();
  await instance();
  await delivered(1);
  expect(postbox.mails).toHaveLength(1);
});
