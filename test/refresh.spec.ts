import { hkdfSync } from 'node:crypto';
import { firstIdAt } from '../src/platform/common/id.js';
import { newSessionSecret, readRefreshToken, writeRefreshToken } from '../src/sessions/refresh-token.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';
import { served } from './support/served.js';
import { APP_SECRET } from './support/server.js';
import {
  freshEmail,
  PASSWORD,
  refresh,
  type SignedUp,
  signIn,
  signUp,
  type Tokens,
  verdict,
  wholeSession,
} from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Staying signed in: one successor, however many ask at once; and nothing left when a session has ended. */
/** Milliseconds, so long that fifty answers of a busy machine come within it. */
const GRACE = 30_000;
const DAY = 86_400_000;

let database: TestDatabase;
let gatehouse: GatehouseProcess;
let second: GatehouseProcess;

beforeAll(async () => {
  database = await createDatabase();
  const env = {
    DATABASE_URL: database.url,
    REFRESH_GRACE: `${GRACE}ms`,
    REFRESH_TOKEN_TTL: '30d',
    SESSION_MAX_AGE: '90d',
  };
  [gatehouse, second] = await Promise.all([GatehouseProcess.start(env), GatehouseProcess.start(env)]);
});

afterAll(async () => {
  await Promise.all([gatehouse?.stop(), second?.stop()]);
  await database?.drop();
});

interface Row {
  counter: number;
  revoked: boolean;
  expires_at: Date;
  created_at: Date;
}

async function rowOf(sessionId: string): Promise<Row> {
  const rows = await database.query<Row>(
    'SELECT counter, revoked_at IS NOT NULL AS revoked, expires_at, created_at FROM sessions WHERE id = $1',
    [sessionId],
  );
  if (!rows[0]) throw new Error('there is no such session');
  return rows[0];
}

const wholeRow = (sessionId: string) => wholeSession(database, sessionId);

const eventsOf = async (userId: string) =>
  (
    await database.query<{ type: string }>('SELECT type FROM audit_events WHERE user_id = $1 ORDER BY id', [userId])
  ).map(({ type }) => type);

/** Lets the grace pass for this session as time would, but for what is left of it. */
const ageRotation = (sessionId: string, left = -1) =>
  database.query(`UPDATE sessions SET rotated_at = rotated_at - $2 * interval '1 ms' WHERE id = $1`, [
    sessionId,
    GRACE - left,
  ]);

test('the answer is the contract’s, for the same session', async () => {
  const { refreshToken, session, user } = await signUp(gatehouse);
  const { status, body, headers } = await refresh(gatehouse, refreshToken);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    accessToken: expect.any(String),
    tokenType: 'Bearer',
    expiresIn: 900,
    refreshToken: expect.any(String),
    session: { id: session.id, expiresAt: expect.stringMatching(/\.\d{3}Z$/) },
  });
  expect(body.refreshToken).not.toBe(refreshToken);
  expect(await verdict(gatehouse, body.accessToken)).toBe('ok');
  expect(await eventsOf(user.id)).toEqual(['auth.registered']);
});

test('a hundred rotations leave one row, and it works to the end', async () => {
  const { user, session, ...tokens } = await signUp(gatehouse);
  let { refreshToken } = tokens;
  for (let i = 1; i <= 100; i++)
    refreshToken = (await refresh(i % 2 ? gatehouse : second, refreshToken)).body.refreshToken;
  expect((await rowOf(session.id)).counter).toBe(100);
  expect(await database.query('SELECT FROM sessions WHERE user_id = $1', [user.id])).toHaveLength(1);
});

describe('fifty at once with one token, twenty rounds', () => {
  test.each([
    ['on one instance', () => [gatehouse]],
    ['on two instances', () => [gatehouse, second]],
  ])('%s: fifty answers, one successor, one rotation', async (_, servers) => {
    const { session, ...tokens } = await signUp(gatehouse);
    let { refreshToken } = tokens;
    for (let round = 1; round <= 20; round++) {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => {
          const server = servers()[i % servers().length] ?? gatehouse;
          // One that a busy machine has no time for comes again within the grace.
          return served(() => refresh(server, refreshToken));
        }),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(50);
      const successors = new Set(answers.map(({ body }) => body.refreshToken));
      expect(successors.size).toBe(1);
      expect((await rowOf(session.id)).counter).toBe(round);
      const last = answers.at(-1)?.body;
      expect(await verdict(second, last?.accessToken ?? '')).toBe('ok');
      [refreshToken = ''] = successors;
    }
  });
});

describe('a genuine token that was replaced', () => {
  test('gets the same successor within the grace, on any instance, and rotates nothing', async () => {
    const { refreshToken, session } = await signUp(gatehouse);
    const first = await refresh(gatehouse, refreshToken);
    const row = await wholeRow(session.id);
    const again = await refresh(second, refreshToken);
    expect(again.body.refreshToken).toBe(first.body.refreshToken);
    expect(await wholeRow(session.id)).toBe(row);
  });

  test('is reuse after the grace: the session ends, and the event is written', async () => {
    const { user, refreshToken, session } = await signUp(gatehouse);
    const { body } = await refresh(gatehouse, refreshToken);
    await ageRotation(session.id);
    const reused = await refresh(gatehouse, refreshToken);
    expect([reused.status, reused.code]).toEqual([401, 'refresh_reused']);
    expect(reused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await verdict(gatehouse, body.accessToken)).toBe('session_revoked');
    await waitFor(async () => (await verdict(second, body.accessToken)) === 'session_revoked');
    for (const token of [body.refreshToken, refreshToken])
      expect((await refresh(gatehouse, token)).code).toBe('session_revoked');
    expect(await rowOf(session.id)).toMatchObject({ revoked: true, counter: 1 });
    expect(await eventsOf(user.id)).toEqual(['auth.registered', 'auth.refresh_reused']);
  });

  test('the grace passes by itself', async () => {
    const { refreshToken, session } = await signUp(gatehouse);
    const began = performance.now();
    await refresh(gatehouse, refreshToken);
    await ageRotation(session.id, 1_000);
    await waitFor(async () => (await refresh(second, refreshToken)).code === 'refresh_reused');
    expect(performance.now() - began).toBeGreaterThan(800);
  });

  test('is reuse within the grace where it is older than the last one', async () => {
    const { user, refreshToken } = await signUp(gatehouse);
    const child = (await refresh(gatehouse, refreshToken)).body;
    const grandchild = (await refresh(gatehouse, child.refreshToken)).body;
    expect((await refresh(gatehouse, child.refreshToken)).body.refreshToken).toBe(grandchild.refreshToken);
    expect((await refresh(gatehouse, refreshToken)).code).toBe('refresh_reused');
    expect((await refresh(gatehouse, grandchild.refreshToken)).code).toBe('session_revoked');
    expect(await verdict(gatehouse, grandchild.accessToken)).toBe('session_revoked');
    expect(await eventsOf(user.id)).toContain('auth.refresh_reused');
  });

  test('reuse ends its own session only, and is written once however many bring it', async () => {
    const { user, refreshToken, session } = await signUp(gatehouse);
    const other = await signIn(gatehouse, user.email);
    await refresh(gatehouse, refreshToken);
    await ageRotation(session.id);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => refresh(i % 2 ? gatehouse : second, refreshToken)),
    );
    for (const { code } of answers) expect(['refresh_reused', 'session_revoked']).toContain(code);
    expect((await eventsOf(user.id)).filter((type) => type === 'auth.refresh_reused')).toHaveLength(1);
    expect((await refresh(gatehouse, other.refreshToken)).code).toBe('ok');
  });
});

test('with no grace at all the second of two is reuse', async () => {
  const strict = await GatehouseProcess.start({ DATABASE_URL: database.url, REFRESH_GRACE: '0s' });
  try {
    const { refreshToken } = await signUp(strict);
    expect((await refresh(strict, refreshToken)).code).toBe('ok');
    expect((await refresh(strict, refreshToken)).code).toBe('refresh_reused');
  } finally {
    await strict.stop();
  }
});

/** The key of the refresh tokens, as the servers under test derive it. */
const tokenKey = (secret = APP_SECRET) => Buffer.from(hkdfSync('sha256', secret, '', 'gatehouse refresh tokens', 32));

describe('a token from before a change of password', () => {
  /** A user who has refreshed once and then changed the password: the tokens that are dead, oldest first, and the new ones. */
  async function changed() {
    const { user, session, refreshToken: oldest, accessToken: token } = await signUp(gatehouse);
    const { refreshToken: last } = (await refresh(gatehouse, oldest)).body;
    const answer = await gatehouse.call<Tokens>('POST', '/v1/users/me/password', {
      token,
      body: { currentPassword: PASSWORD, newPassword: 'nine green lanterns' },
    });
    expect(answer.status).toBe(200);
    return { user, session, dead: [oldest, last], fresh: answer.body };
  }

  test('that was on its way then is refused, and logs nobody out', async () => {
    const { user, session, dead, fresh } = await changed();
    const before = [await wholeRow(session.id), await eventsOf(user.id)];
    for (const token of dead) {
      const { status, code } = await refresh(second, token);
      expect([status, code]).toEqual([401, 'session_revoked']);
    }
    expect([await wholeRow(session.id), await eventsOf(user.id)]).toEqual(before);
    expect(await verdict(second, fresh.accessToken)).toBe('ok');
    expect((await refresh(second, fresh.refreshToken)).code).toBe('ok');
  });

  test.each([
    ['the last one', 1],
    ['an older one', 0],
  ])('that comes later is reuse: %s (RFC 9700, 4.14.2)', async (_, which) => {
    const { user, session, dead, fresh } = await changed();
    await ageRotation(session.id);
    expect((await refresh(second, dead[which] ?? '')).code).toBe('refresh_reused');
    expect((await eventsOf(user.id)).slice(-1)).toEqual(['auth.refresh_reused']);
    expect(await rowOf(session.id)).toMatchObject({ revoked: true });
    expect(await verdict(second, fresh.accessToken)).toBe('session_revoked');
    expect((await refresh(gatehouse, fresh.refreshToken)).code).toBe('session_revoked');
  });

  test('is no reuse where its counter is not behind: no such token was ever given', async () => {
    const { session, refreshToken } = await signUp(gatehouse);
    const row = await wholeRow(session.id);
    for (const counter of [0, 1]) {
      const token = writeRefreshToken({ sessionId: session.id, counter, secret: newSessionSecret() }, tokenKey());
      expect((await refresh(gatehouse, token)).code).toBe('session_revoked');
    }
    expect(await wholeRow(session.id)).toBe(row);
    expect((await refresh(gatehouse, refreshToken)).code).toBe('ok');
  });
});

test('a token that a deployment with another APP_SECRET has made is none of ours', async () => {
  const { refreshToken, session } = await signUp(gatehouse);
  const row = await wholeRow(session.id);
  const claim = readRefreshToken(refreshToken, tokenKey());
  if (!claim) throw new Error('the key is not that of the servers');
  const foreign = writeRefreshToken(claim, tokenKey('another-secret-0123456789-zyxwvutsrqponm'));
  expect((await refresh(gatehouse, foreign)).code).toBe('invalid_refresh_token');
  expect(await wholeRow(session.id)).toBe(row);
  expect((await refresh(gatehouse, refreshToken)).code).toBe('ok');
});

test('a string that is no token of ours touches nothing', async () => {
  const { user, refreshToken, accessToken, session } = await signUp(gatehouse);
  const flip = (at: number) => {
    const letter = refreshToken[at] === 'A' ? 'B' : 'A';
    return refreshToken.slice(0, at) + letter + refreshToken.slice(at + 1);
  };
  const before = [await wholeRow(session.id), await eventsOf(user.id)];
  const strings = [
    ...Array.from(refreshToken, (_, at) => flip(at)),
    ...Array.from({ length: 12 }, (_, i) => refreshToken.slice(0, i * 10)),
    ...['=', 'A', ' ', '\0', '\n', '\u00e9'].map((end) => refreshToken + end),
    ...[` ${refreshToken}`, refreshToken + refreshToken, refreshToken.toUpperCase(), `${refreshToken.slice(0, -1)}=`],
    ...[accessToken, session.id, '', 'null', "' OR 1=1 --", `grt_${'A'.repeat(112)}`, 'x'.repeat(60_000)],
  ];
  const answers = await Promise.all(strings.map((text) => refresh(gatehouse, text)));
  const wrong = answers.flatMap(({ status, code }, i) =>
    status === 401 && code === 'invalid_refresh_token' ? [] : [[strings[i], status, code]],
  );
  expect(wrong).toEqual([]);
  expect([await wholeRow(session.id), await eventsOf(user.id)]).toEqual(before);
  expect((await refresh(gatehouse, refreshToken)).code).toBe('ok');
});

test('bodies that are no refresh', async () => {
  const { refreshToken } = await signUp(gatehouse);
  const bodies = [
    {},
    { refreshToken: null },
    { refreshToken: [refreshToken] },
    { refreshToken, extra: 1 },
    [refreshToken],
  ];
  for (const body of bodies) expect((await gatehouse.call('POST', '/v1/auth/refresh', { body })).status).toBe(400);
  const none = await gatehouse.call('POST', '/v1/auth/refresh');
  expect(none.status).toBe(400);
});

describe('how long a session lasts', () => {
  /** Moves a session into the past by so many days, as if it had last been used then. */
  const shift = (sessionId: string, days: number, columns: string[]) =>
    database.query(
      `UPDATE sessions SET ${columns.map((name) => `${name} = ${name} - interval '${days} days'`).join(', ')} WHERE id = $1`,
      [sessionId],
    );

  test('the idle limit slides with use', async () => {
    const { refreshToken, session } = await signUp(gatehouse);
    expect(Date.parse(session.expiresAt) - Date.now()).toBeCloseTo(30 * DAY, -5);
    await shift(session.id, 29, ['created_at', 'expires_at', 'last_used_at']);
    const { body } = await refresh(gatehouse, refreshToken);
    expect(Date.parse(body.session.expiresAt) - Date.now()).toBeCloseTo(30 * DAY, -5);
    expect((await rowOf(session.id)).expires_at.toISOString()).toBe(body.session.expiresAt);
  });

  test('past the idle limit it has expired, and is not revoked', async () => {
    const { user, refreshToken, session } = await signUp(gatehouse);
    await shift(session.id, 31, ['expires_at']);
    const row = await wholeRow(session.id);
    const answer = await refresh(gatehouse, refreshToken);
    expect([answer.status, answer.code]).toEqual([401, 'session_expired']);
    expect(await wholeRow(session.id)).toBe(row);
    expect(await eventsOf(user.id)).toEqual(['auth.registered']);
  });

  test('a replaced token of an expired session says expired too', async () => {
    const { refreshToken, session } = await signUp(gatehouse);
    await refresh(gatehouse, refreshToken);
    await shift(session.id, 31, ['expires_at']);
    expect((await refresh(gatehouse, refreshToken)).code).toBe('session_expired');
  });

  test('the absolute limit does not slide', async () => {
    const { refreshToken, session } = await signUp(gatehouse);
    await shift(session.id, 80, ['created_at']);
    const { body } = await refresh(gatehouse, refreshToken);
    expect(Date.parse(body.session.expiresAt) - Date.now()).toBeCloseTo(10 * DAY, -5);
    await shift(session.id, 11, ['created_at']);
    expect((await refresh(gatehouse, body.refreshToken)).code).toBe('session_expired');
  });

  test('it has expired, and was not revoked, also once its row is removed for its age', async () => {
    const old = (days: number) => firstIdAt(Date.now() - days * DAY);
    const tokenOf = (sessionId: string) =>
      writeRefreshToken({ sessionId, counter: 3, secret: newSessionSecret() }, tokenKey());
    expect((await refresh(gatehouse, tokenOf(old(91)))).code).toBe('session_expired');
    expect((await refresh(gatehouse, tokenOf(old(89)))).code).toBe('session_revoked');
  });

  test('no access token outlives its session', async () => {
    const { refreshToken, session } = await signUp(gatehouse);
    await database.query(
      `UPDATE sessions SET created_at = now() - interval '90 days' + interval '30 s' WHERE id = $1`,
      [session.id],
    );
    const { body } = await refresh(gatehouse, refreshToken);
    expect(body.expiresIn).toBeGreaterThan(20);
    expect(body.expiresIn).toBeLessThanOrEqual(30);
  });
});

test.each([
  ['logged out', 'UPDATE sessions SET revoked_at = now() WHERE id = $1'],
  ['deleted', 'DELETE FROM sessions WHERE id = $1'],
  [
    'of a disabled user',
    `UPDATE users SET status = 'disabled' WHERE id = (SELECT user_id FROM sessions WHERE id = $1)`,
  ],
  ['of a deleted user', 'DELETE FROM users WHERE id = (SELECT user_id FROM sessions WHERE id = $1)'],
])('a session %s is session_revoked', async (_, change) => {
  const { refreshToken, session } = await signUp(gatehouse);
  await database.query(change, [session.id]);
  const answer = await refresh(gatehouse, refreshToken);
  expect([answer.status, answer.code]).toEqual([401, 'session_revoked']);
});

describe('refresh racing an end, two hundred rounds', () => {
  const PARALLEL = 10;

  /** Nothing may live afterwards: neither what was there before nor what the refresh gave. */
  async function race(round: number, email: string, end: (tokens: SignedUp) => Promise<unknown>): Promise<boolean> {
    const tokens = await signIn(gatehouse, email);
    const server = round % 2 ? gatehouse : second;
    const refreshing = refresh(server, tokens.refreshToken);
    const [answer] = await Promise.all([refreshing, end(tokens)]);
    const given = answer.code === 'ok' ? [answer.body] : [];
    expect(['ok', 'session_revoked']).toContain(answer.code);
    for (const { refreshToken, accessToken } of [tokens, ...given]) {
      expect((await refresh(server, refreshToken)).code).toBe('session_revoked');
      await waitFor(async () => (await verdict(gatehouse, accessToken)) === 'session_revoked');
      await waitFor(async () => (await verdict(second, accessToken)) === 'session_revoked');
    }
    return given.length > 0;
  }

  test.each<[string, (tokens: SignedUp) => Promise<unknown>]>([
    ['logout', ({ accessToken: token }) => gatehouse.call('POST', '/v1/auth/logout', { token })],
    ['logout-all', ({ accessToken: token }) => gatehouse.call('POST', '/v1/auth/logout-all', { token, body: {} })],
    [
      'disabling',
      async ({ user }) => {
        await database.query(`UPDATE users SET status = 'disabled' WHERE id = $1`, [user.id]);
      },
    ],
  ])('%s', async (_, end) => {
    const emails = await Promise.all(
      Array.from({ length: PARALLEL }, async () => (await signUp(gatehouse, { email: freshEmail() })).user.email),
    );
    let won = 0;
    for (let round = 0; round < 200 / PARALLEL; round++) {
      const results = await Promise.all(emails.map((email, i) => race(round + i, email, end)));
      won += results.filter(Boolean).length;
      await database.query(`UPDATE users SET status = 'active' WHERE status = 'disabled'`);
    }
    // Otherwise the refresh never came first, and there was no race.
    expect(won).toBeGreaterThan(0);
  });
});

test('a dump of the database holds no token and nothing that makes one', async () => {
  const tokens = await signUp(gatehouse, { email: freshEmail(), password: PASSWORD });
  const { body: rotated } = await refresh(gatehouse, tokens.refreshToken);
  const bytes = Buffer.from(rotated.refreshToken.replace(/^\w+?_/, ''), 'base64url');
  // Every run of 16 bytes of the token but the session's id, which is no secret.
  const runs = Array.from({ length: Math.floor((bytes.length - 16) / 16) }, (_, i) =>
    bytes.subarray(16 + i * 16, 32 + i * 16),
  );
  const texts = [tokens, rotated].flatMap(({ refreshToken, accessToken }) => [
    refreshToken,
    accessToken,
    accessToken.split('.')[2] ?? '',
  ]);
  const tables = await database.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['gatehouse.sessions', 'gatehouse.audit_events', 'gatehouse.signing_keys']),
  );
  let seen = '';
  for (const { name } of tables) {
    for (const { row } of await database.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`))
      seen += `${row}\n`;
  }
  expect(seen).toContain(tokens.session.id);
  for (const text of texts) expect(seen).not.toContain(text);
  for (const run of runs) {
    expect(seen).not.toContain(run.toString('hex'));
    expect(seen).not.toContain(run.toString('base64url').slice(0, -2));
    expect(seen).not.toContain(run.toString('base64').slice(0, -3));
  }
  for (const text of [...texts, PASSWORD]) expect(gatehouse.output).not.toContain(text);
});
