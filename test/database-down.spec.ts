import { Client } from 'pg';
import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, type Api, type CallOptions, Gatehouse, GatehouseProcess } from './support/gatehouse.js';
import { LISTENER, TcpProxy } from './support/tcp-proxy.js';
import { freshEmail, PASSWORD, type Problem, refresh, type SignedUp, signUp, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Postgres is gone, by a refusal or by silence: what goes on, what says so, and how it comes back. */
const FEW_SECONDS = 5_000;
/** Longer than the list is trusted without a sign of life, with the time that it takes to notice. */
const UNTRUSTED = 9_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database?.drop());

interface Linked<Server = Gatehouse> {
  gatehouse: Server;
  proxy: TcpProxy;
}

/** Runs `work` with an instance of its own behind a link that can be broken. These tests mostly wait, so they run at once. */
const linked = (env: Record<string, string>, work: (link: Linked) => Promise<void>) =>
  linkedTo((url) => Gatehouse.start({ DATABASE_URL: url, ...env }), work);

async function linkedTo<Server extends { stop(): Promise<unknown> }>(
  start: (url: string) => Promise<Server>,
  work: (link: Linked<Server>) => Promise<void>,
): Promise<void> {
  const proxy = await TcpProxy.before(database.url);
  try {
    const gatehouse = await start(proxy.url);
    await work({ gatehouse, proxy }).finally(() => gatehouse.stop());
  } finally {
    await proxy.close();
  }
}

/** The two ways of a database to be gone. */
const WAYS: [string, (proxy: TcpProxy) => unknown][] = [
  ['refuses', (proxy) => proxy.refuse()],
  ['is silent', (proxy) => proxy.swallow()],
];

const readiness = async (gatehouse: Api) => (await gatehouse.call('GET', '/health/ready')).status;
const databaseHealth = async (gatehouse: Api) => (await gatehouse.call('GET', '/health/database')).status;

/** Everything that needs the database. */
function needy({ accessToken, refreshToken, session, user }: SignedUp): [string, string, CallOptions][] {
  return [
    ['POST', '/v1/auth/register', { body: { email: freshEmail(), password: PASSWORD } }],
    ['POST', '/v1/auth/login', { body: { email: user.email, password: PASSWORD } }],
    ['POST', '/v1/auth/login', { body: { email: freshEmail(), password: PASSWORD } }],
    ['POST', '/v1/auth/refresh', { body: { refreshToken } }],
    ['POST', '/v1/auth/logout', { token: accessToken }],
    ['POST', '/v1/auth/logout-all', { token: accessToken }],
    ['GET', '/v1/sessions', { token: accessToken }],
    ['DELETE', `/v1/sessions/${session.id}`, { token: accessToken }],
    ['GET', '/v1/users/me', { token: accessToken }],
    ['PATCH', '/v1/users/me', { token: accessToken, body: { name: 'Ada' } }],
    ['GET', '/v1/dashboard', { token: accessToken }],
  ];
}

async function expectUnavailable({ gatehouse }: Linked, person: SignedUp): Promise<void> {
  const timed = async ([method, path, options]: [string, string, CallOptions]) => {
    const began = performance.now();
    const answer: Answer<Problem> = await gatehouse.call<Problem>(method, path, options);
    return { request: `${method} ${path}`, answer, ms: performance.now() - began };
  };
  for (const { request, answer, ms } of await Promise.all(needy(person).map(timed))) {
    expect([request, answer.status, answer.body.code]).toEqual([request, 503, 'database_unavailable']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect([request, ms < FEW_SECONDS || ms]).toEqual([request, true]);
    // Without the request id, which is random and may spell anything.
    const said = answer.text.replace(answer.body.requestId, '');
    expect(said).not.toMatch(/ECONN|postgres|pg|127\.0\.0\.1|timeout/i);
  }
}

test.concurrent.each(WAYS)(
  'a database that %s: good tokens go on, the rest says so, and it recovers by itself with what was revoked meanwhile',
  (_, breakLink) =>
    linked({}, async (link) => {
      const { gatehouse, proxy } = link;
      const [person, lost, stale] = [await signUp(gatehouse), await signUp(gatehouse), await signUp(gatehouse)];
      const unseen = await signUp(gatehouse);
      await verdict(gatehouse, lost.accessToken);
      expect(await readiness(gatehouse)).toBe(200);

      await breakLink(proxy);
      expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
      expect(await verdict(gatehouse, unseen.accessToken)).toBe('ok');
      await expectUnavailable(link, person);
      // What needs the database fails, not the instance: a balancer that took all of them out would end every check too.
      expect(await readiness(gatehouse)).toBe(200);
      // Looked at once a second, for all who ask.
      await waitFor(async () => {
        const { status, body } = await gatehouse.call('GET', '/health/database');
        expect([status, body]).toMatchObject([503, { error: { database: { status: 'down' } } }]);
      });
      expect((await gatehouse.call('GET', '/health/live')).status).toBe(200);
      expect(await verdict(gatehouse, person.accessToken)).toBe('ok');

      await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [lost.session.id]);
      await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [stale.user.id]);
      await proxy.heal();
      await waitFor(async () => (await databaseHealth(gatehouse)) === 200);
      // Until the feed is back each check asks the database, and goes on where a busy one does not answer in time.
      await waitFor(async () => {
        expect(await verdict(gatehouse, lost.accessToken)).toBe('session_revoked');
        expect(await verdict(gatehouse, stale.accessToken)).toBe('token_stale');
      });
      expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
      // Not one connection of before may be in the way: every request is answered, at once.
      const again = await Promise.all(
        Array.from({ length: 30 }, () => verdict(gatehouse, person.accessToken, '/v1/users/me')),
      );
      expect(new Set(again)).toEqual(new Set(['ok']));
      expect((await refresh(gatehouse, person.refreshToken)).code).toBe('ok');
      await signUp(gatehouse);
    }),
);

test.concurrent.each(WAYS)(
  'a database that %s for more than 5 s: deny says 503, allow honours what was minted before, an ended session stays ended',
  (_, breakLink) =>
    linked({}, (allow) =>
      linked({ REVOCATION_FALLBACK: 'deny' }, async (deny) => {
        const person = await signUp(allow.gatehouse);
        const gone = await signUp(allow.gatehouse);
        await allow.gatehouse.call('POST', '/v1/auth/logout', { token: gone.accessToken });
        await waitFor(async () => (await verdict(deny.gatehouse, gone.accessToken)) === 'session_revoked');
        expect(await verdict(deny.gatehouse, person.accessToken)).toBe('ok');

        await Promise.all([breakLink(allow.proxy), breakLink(deny.proxy)]);
        const began = performance.now();
        expect(await verdict(deny.gatehouse, person.accessToken)).toBe('ok');
        const refused = await waitFor(
          async () => {
            const answer = await deny.gatehouse.call<Problem>('GET', '/v1/auth/session', { token: person.accessToken });
            return answer.status !== 200 && answer;
          },
          { within: UNTRUSTED },
        );
        // Of the 5 s a heartbeat may have taken 1 s to come due and 2 s to be answered before the link broke.
        expect(performance.now() - began).toBeGreaterThan(2_000);
        expect([refused.status, refused.body.code]).toEqual([503, 'database_unavailable']);
        expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
        expect([await readiness(allow.gatehouse), await readiness(deny.gatehouse)]).toEqual([200, 503]);
        expect(await verdict(allow.gatehouse, person.accessToken)).toBe('ok');
        for (const { gatehouse } of [allow, deny])
          expect(await verdict(gatehouse, gone.accessToken)).toBe('session_revoked');

        // Once it is known to be gone one request may wait to find out, and no other.
        const waits = Array.from({ length: 20 }, async () => {
          const sample = performance.now();
          expect(await verdict(allow.gatehouse, person.accessToken)).toBe('ok');
          return performance.now() - sample;
        });
        expect((await Promise.all(waits)).filter((ms) => ms > 1_500).length).toBeLessThanOrEqual(1);

        await Promise.all([allow.proxy.heal(), deny.proxy.heal()]);
        for (const { gatehouse } of [allow, deny]) {
          await waitFor(async () => (await databaseHealth(gatehouse)) === 200);
          expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
        }
      }),
    ),
);

test.concurrent('what is in flight when the database goes is answered 200 or 503, and a change is whole or not there', () =>
  linkedTo(
    (url) => GatehouseProcess.start({ DATABASE_URL: url }),
    async ({ gatehouse, proxy }) => {
      const people = await Promise.all(Array.from({ length: 10 }, () => signUp(gatehouse)));
      for (let round = 0; round < 5; round++) {
        const requests = people.flatMap((person) => needy(person).slice(0, 4));
        const answers = requests.map(([method, path, options]) => gatehouse.call<Problem>(method, path, options));
        await Promise.race(answers);
        await proxy.refuse();
        for (const { status, body } of await Promise.all(answers))
          expect([status, status < 300 || [401, 503].includes(status) || body.code]).toEqual([status, true]);
        await proxy.heal();
        await waitFor(async () => (await databaseHealth(gatehouse)) === 200);
      }
      expect(gatehouse.output).not.toMatch(/internal_error|unhandled/i);
      // A session, its user and the entry about it are written together.
      const torn = await database.query(
        `SELECT FROM users u WHERE NOT EXISTS (SELECT FROM audit_events a WHERE a.user_id = u.id AND a.type = 'auth.registered')
         OR NOT EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id)`,
      );
      expect(torn).toEqual([]);
    },
  ));

test.concurrent('a statement that takes too long is given up, and its connection does not come back with the transaction open', () =>
  linked({ DATABASE_POOL: '2' }, async ({ gatehouse }) => {
    const { user, accessToken } = await signUp(gatehouse);
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
    const renamed = Array.from({ length: 2 }, () =>
      gatehouse.call<Problem>('PATCH', '/v1/users/me', { token: accessToken, body: { name: 'Waiting' } }),
    );
    for (const { status, body } of await Promise.all(renamed))
      expect([status, body.code]).toEqual([503, 'database_unavailable']);
    await holder.end();
    for (let i = 0; i < 4; i++) expect(await verdict(gatehouse, accessToken, '/v1/users/me')).toBe('ok');
    expect((await gatehouse.call('PATCH', '/v1/users/me', { token: accessToken, body: { name: 'Done' } })).status).toBe(
      200,
    );
    await waitFor(async () => {
      const open = await database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      );
      return open.length === 0;
    });
  }));

test.concurrent('with the link for notifications alone lost, requests ask the database after 5 s and refuse what was revoked', () =>
  linked({ REVOCATION_FALLBACK: 'deny' }, async ({ gatehouse, proxy }) => {
    const people = [];
    for (let i = 0; i < 4; i++) people.push(await signUp(gatehouse));
    const [person, ended, deleted, stale] = people as [SignedUp, SignedUp, SignedUp, SignedUp];
    for (const { accessToken } of people) await verdict(gatehouse, accessToken);

    proxy.refuseOnly(LISTENER);
    await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [ended.session.id]);
    await database.query('DELETE FROM sessions WHERE id = $1', [deleted.session.id]);
    await database.query(`INSERT INTO user_roles VALUES ($1, 'admin')`, [stale.user.id]);
    await waitFor(async () => (await databaseHealth(gatehouse)) === 503);
    await waitFor(async () => (await verdict(gatehouse, ended.accessToken)) === 'session_revoked', {
      within: UNTRUSTED,
    });
    expect(await verdict(gatehouse, deleted.accessToken)).toBe('session_revoked');
    expect(await verdict(gatehouse, stale.accessToken)).toBe('token_stale');
    expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
    expect(await verdict(gatehouse, person.accessToken, '/v1/users/me')).toBe('ok');
    expect(await databaseHealth(gatehouse)).toBe(503);

    await proxy.heal();
    await waitFor(async () => (await databaseHealth(gatehouse)) === 200);
    expect(await verdict(gatehouse, deleted.accessToken)).toBe('session_revoked');
    expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
  }));

// Not beside the others: no instance hears a pulse meanwhile.
test('a database that answers and commits nothing, as one that was cut off from its standby, is not believed', () =>
  linked({ REVOCATION_FEED: 'poll' }, (allow) =>
    linked({ REVOCATION_FALLBACK: 'deny' }, async (deny) => {
      const person = await signUp(deny.gatehouse);
      const holder = new Client({ connectionString: database.url });
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT FROM pulse FOR UPDATE');
      expect(await verdict(deny.gatehouse, person.accessToken)).toBe('ok');
      for (const { gatehouse } of [allow, deny])
        await waitFor(async () => (await databaseHealth(gatehouse)) === 503, { within: UNTRUSTED });
      const { body } = await deny.gatehouse.call('GET', '/health/database');
      expect(body).toMatchObject({ error: { revocations: { status: 'down' } }, info: { database: { status: 'up' } } });
      await waitFor(async () => (await verdict(deny.gatehouse, person.accessToken)) === 'database_unavailable', {
        within: UNTRUSTED,
      });
      expect([await readiness(allow.gatehouse), await readiness(deny.gatehouse)]).toEqual([200, 503]);
      expect(await verdict(allow.gatehouse, person.accessToken)).toBe('ok');
      await holder.end();
      for (const { gatehouse } of [allow, deny]) {
        await waitFor(async () => (await databaseHealth(gatehouse)) === 200);
        expect(await verdict(gatehouse, person.accessToken)).toBe('ok');
      }
    }),
  ));

// Not beside the others: it ends every listener of the database.
test('a link that Postgres ends is made again within a moment', () =>
  linked({}, async ({ gatehouse }) => {
    const ended = await signUp(gatehouse);
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name LIKE $1 AND datname = current_database()`,
      [`${LISTENER}%`],
    );
    await database.query('UPDATE sessions SET revoked_at = now() WHERE id = $1', [ended.session.id]);
    // Before it would ask the database for want of a link.
    await waitFor(async () => (await verdict(gatehouse, ended.accessToken)) === 'session_revoked', { within: 4_500 });
    await waitFor(async () => (await databaseHealth(gatehouse)) === 200);
  }));
