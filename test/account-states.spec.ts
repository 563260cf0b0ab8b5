import { randomUUID } from 'node:crypto';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { mailsTo, tokenFor } from './support/mail.js';
import { served } from './support/served.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, type Tokens, verdict } from './support/users.js';
import { waitFor } from './support/wait-for.js';

/** Every flow against every state that an account can be in, where the email must be confirmed first. */
const STATES = ['active', 'disabled', 'unverified', 'deleted', 'invited'] as const;
type State = (typeof STATES)[number];
const OTHER_PASSWORD = 'quiet lantern over moss';

let database: TestDatabase;
let gatehouse: Gatehouse;
/** The hash of PASSWORD on this server. */
let passwordHash: string;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({
    DATABASE_URL: database.url,
    EMAIL_VERIFICATION: 'required',
    RATE_LIMITS: 'off',
  });
  await register('first@example.com');
  [{ passwordHash }] = (await database.query('SELECT password_hash AS "passwordHash" FROM users')) as [
    { passwordHash: string },
  ];
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const post = (path: string, body: unknown, token?: string) =>
  gatehouse.call<Problem & Tokens & SignedUp>('POST', path, { body, token });
const register = (email: string, password = PASSWORD) => post('/v1/auth/register', { email, password });
const login = (email: string, password = PASSWORD) => post('/v1/auth/login', { email, password });
const subjects = async (email: string) =>
  (await mailsTo(gatehouse, email)).map(({ subject }) => subject.replace(' – Gatehouse', ''));

/** What an operator or time does to an account. */
const TO_STATE: Record<State, string> = {
  active: `UPDATE users SET email_verified_at = now() WHERE email = $1`,
  disabled: `UPDATE users SET email_verified_at = now(), status = 'disabled' WHERE email = $1`,
  unverified: `UPDATE users SET email_verified_at = NULL WHERE email = $1`,
  deleted: `DELETE FROM users WHERE email = $1`,
  invited: `UPDATE users SET email_verified_at = NULL, password_hash = NULL WHERE email = $1`,
};

/** An account in a state, made in the table: to register each would take most of this file's time. */
async function person(state: State): Promise<string> {
  const email = freshEmail();
  await database.query(
    `WITH made AS (
       INSERT INTO users (id, email, email_key, password_hash) VALUES ($1, $2, $2, $3) RETURNING id)
     INSERT INTO user_roles SELECT id, 'user' FROM made`,
    [randomUUID(), email, passwordHash],
  );
  await database.query(TO_STATE[state], [email]);
  return email;
}

describe('what is asked for by address', () => {
  const ACCEPTED: Record<string, Record<State, string[]>> = {
    '/v1/auth/password/forgot': {
      active: ['Choose a new password'],
      disabled: [],
      unverified: ['Choose a new password'],
      deleted: [],
      invited: ['Choose a new password'],
    },
    '/v1/auth/email/resend': {
      active: [],
      disabled: [],
      unverified: ['Confirm your email address'],
      deleted: [],
      invited: ['You are invited'],
    },
    '/v1/auth/register': {
      active: ['You have an account already'],
      disabled: ['You have an account already'],
      unverified: ['Confirm your email address'],
      deleted: ['Confirm your email address'],
      invited: ['You are invited'],
    },
  };
  const rows = Object.entries(ACCEPTED).flatMap(([path, byState]) =>
    STATES.map((state) => [path, state, byState[state]] as const),
  );

  test.each(rows)('%s for an account that is %s mails %j and says the same', async (path, state, mails) => {
    const email = await person(state);
    const body = path.endsWith('register') ? { email, password: OTHER_PASSWORD } : { email };
    const answer = await post(path, body);
    const stranger = await post(path, { ...body, email: freshEmail() });
    expect([answer.status, answer.body]).toEqual([202, stranger.body]);
    expect(Object.keys(answer.body)).toEqual(['message']);
    expect(await subjects(email)).toEqual(mails);
  });
});

describe('signing in', () => {
  test.each([
    ['active', PASSWORD, 200, undefined],
    ['active', OTHER_PASSWORD, 401, 'invalid_credentials'],
    ['disabled', PASSWORD, 403, 'account_disabled'],
    ['disabled', OTHER_PASSWORD, 401, 'invalid_credentials'],
    ['unverified', PASSWORD, 403, 'email_not_verified'],
    ['unverified', OTHER_PASSWORD, 401, 'invalid_credentials'],
    ['deleted', PASSWORD, 401, 'invalid_credentials'],
    ['invited', PASSWORD, 401, 'invalid_credentials'],
    ['invited', '', 401, 'invalid_credentials'],
  ] as const)('an account that is %s, password %j: %i %s', async (state, password, status, code) => {
    const answer = await login(await person(state), password);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.text.includes('accessToken')).toBe(status === 200);
  });

  test.each([
    ['active', 200, undefined],
    ['disabled', 401, 'session_revoked'],
    ['unverified', 403, 'email_not_verified'],
    ['deleted', 401, 'session_revoked'],
    ['invited', 403, 'email_not_verified'],
  ] as const)('a session refreshed once the account is %s: %i %s', async (state, status, code) => {
    const email = await person('active');
    const { refreshToken } = (await login(email)).body;
    await database.query(TO_STATE[state], [email]);
    const answer = await post('/v1/auth/refresh', { refreshToken });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test.each(STATES)('from a new device, to an account that is %s, is told where it goes well', async (state) => {
    const email = await person(state);
    await database.query('UPDATE users SET last_login_at = now() WHERE email = $1', [email]);
    await login(email);
    expect(await subjects(email)).toEqual(state === 'active' ? ['A sign-in from a new device'] : []);
  });
});

const refuses = async (token: string) => (await verdict(gatehouse, token)) === 'session_revoked';

/** What a signed-in user finds once the account is in another state: 'ok', or a code. */
describe('with an access token that lives', () => {
  const FLOWS: Record<string, { body?: () => object; finds: Record<State, string> }> = {
    'POST /v1/users/me/password': {
      body: () => ({ currentPassword: PASSWORD, newPassword: OTHER_PASSWORD }),
      finds: {
        active: 'ok',
        disabled: 'session_revoked',
        unverified: 'email_not_verified',
        deleted: 'session_revoked',
        invited: 'wrong_password',
      },
    },
    'POST /v1/users/me/email': {
      body: () => ({ email: freshEmail(), password: PASSWORD }),
      finds: {
        active: 'ok',
        disabled: 'session_revoked',
        unverified: 'ok',
        deleted: 'session_revoked',
        invited: 'wrong_password',
      },
    },
    'GET /v1/users/me/export': {
      finds: { active: 'ok', disabled: 'session_revoked', unverified: 'ok', deleted: 'session_revoked', invited: 'ok' },
    },
    'DELETE /v1/users/me': {
      body: () => ({ password: PASSWORD }),
      finds: {
        active: 'ok',
        disabled: 'session_revoked',
        unverified: 'ok',
        deleted: 'session_revoked',
        invited: 'wrong_password',
      },
    },
  };
  const rows = Object.entries(FLOWS).flatMap(([flow, { body, finds }]) =>
    STATES.map((state) => [flow, state, finds[state], body] as const),
  );

  test.each(rows)('%s once the account is %s: %s', async (flow, state, finds, body) => {
    const email = await person('active');
    const { accessToken: token, user } = (await login(email)).body;
    await database.query(TO_STATE[state], [email]);
    const [method, path] = flow.split(' ') as [string, string];
    // What asks for the password asks for the account too, and need not hear of the end of the session first.
    if (method === 'GET' && finds === 'session_revoked') await waitFor(() => refuses(token));
    const answer = await gatehouse.call<Problem>(method, path, { body: body?.(), token });
    expect(answer.status < 300 ? 'ok' : answer.body.code).toBe(finds);
    const [row] = await database.query('SELECT FROM users WHERE id = $1', [user.id]);
    expect(row === undefined).toBe(state === 'deleted' || (method === 'DELETE' && finds === 'ok'));
  });
});

test.each([
  ['active', 409],
  ['disabled', 409],
  ['unverified', 409],
  ['deleted', 201],
  ['invited', 409],
] as const)(
  'an admin who makes or invites somebody whose address has an account that is %s: %i',
  async (state, status) => {
    const boss = await person('active');
    await database.query(`INSERT INTO user_roles SELECT id, 'admin' FROM users WHERE email = $1`, [boss]);
    const { accessToken } = (await login(boss)).body;
    for (const password of [undefined, OTHER_PASSWORD]) {
      const email = await person(state);
      const answer = await post('/v1/users', { email, password }, accessToken);
      expect([answer.status, answer.body.code]).toEqual([status, status === 409 ? 'email_taken' : undefined]);
    }
  },
);

/** A token of each purpose, mailed while the account could have it. */
const TOKENS = {
  verify_email: async () => {
    const email = await person('unverified');
    await post('/v1/auth/email/resend', { email });
    return { email, token: await tokenFor(gatehouse, email) };
  },
  reset_password: async () => {
    const email = await person('active');
    await post('/v1/auth/password/forgot', { email });
    return { email, token: await tokenFor(gatehouse, email) };
  },
  invitation: async () => {
    const email = await person('invited');
    await post('/v1/auth/email/resend', { email });
    return { email, token: await tokenFor(gatehouse, email) };
  },
  change_email: async () => {
    const email = await person('active');
    const fresh = freshEmail();
    const { accessToken } = (await login(email)).body;
    await post('/v1/users/me/email', { email: fresh, password: PASSWORD }, accessToken);
    return { email, token: await tokenFor(gatehouse, fresh) };
  },
  undo_email_change: async () => {
    const { email, token } = await TOKENS.change_email();
    await post('/v1/auth/email/verify', { token });
    const undo = await tokenFor(gatehouse, email);
    const [{ now }] = (await database.query<{ now: string }>(
      `SELECT email AS now FROM users WHERE id = (SELECT user_id FROM one_time_tokens WHERE email = $1)`,
      [email],
    )) as [{ now: string }];
    return { email: now, token: undo };
  },
};
type Purpose = keyof typeof TOKENS;
const PURPOSES = Object.keys(TOKENS) as Purpose[];

const USES: Record<string, { takes: Purpose[]; body?: object }> = {
  '/v1/auth/email/verify': { takes: ['verify_email', 'change_email'] },
  '/v1/auth/email/undo': { takes: ['undo_email_change'] },
  '/v1/auth/password/reset': { takes: ['reset_password'], body: { password: OTHER_PASSWORD } },
  '/v1/auth/invitations/accept': { takes: ['invitation'], body: { password: OTHER_PASSWORD } },
};

describe('a mailed token', () => {
  const own = PURPOSES.flatMap((purpose) => STATES.map((state) => [purpose, state] as const));

  test.each(own)('%s once the account is %s', async (purpose, state) => {
    const { email, token } = await TOKENS[purpose]();
    await database.query(TO_STATE[state], [email]);
    const [path, { body }] = Object.entries(USES).find(([, { takes }]) => takes.includes(purpose))!;
    const answer = await post(path, { token, ...body });
    const good = state !== 'disabled' && state !== 'deleted';
    expect([answer.status, answer.body.code]).toEqual(good ? [200, undefined] : [400, 'invalid_token_link']);
    if (state === 'disabled') {
      await database.query(`UPDATE users SET status = 'active' WHERE email = $1`, [email]);
      expect((await login(email, OTHER_PASSWORD)).status).toBe(401);
    }
  });

  const foreign = PURPOSES.flatMap((purpose) =>
    Object.entries(USES)
      .filter(([, { takes }]) => !takes.includes(purpose))
      .map(([path]) => [purpose, path] as const),
  );

  test.each(foreign)('%s is refused by %s and stays good', async (purpose, path) => {
    const { token } = await TOKENS[purpose]();
    const answer = await post(path, { token, ...USES[path]!.body });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_token_link']);
    const [right, { body }] = Object.entries(USES).find(([, { takes }]) => takes.includes(purpose))!;
    expect((await post(right, { token, ...body })).status).toBe(200);
  });

  test.each(PURPOSES)('%s used 50 times at once succeeds once', async (purpose) => {
    const { token } = await TOKENS[purpose]();
    const [path, { body }] = Object.entries(USES).find(([, { takes }]) => takes.includes(purpose))!;
    const answers = await Promise.all(Array.from({ length: 50 }, () => served(() => post(path, { token, ...body }))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map((answer) => answer.body.code))).toEqual(
      new Set(['invalid_token_link']),
    );
  });

  test.each(PURPOSES)('%s is refused when it has expired, and lives as long as promised', async (purpose) => {
    const { token } = await TOKENS[purpose]();
    const [row] = await database.query<{ hours: number }>(
      `UPDATE one_time_tokens SET expires_at = now() WHERE hash = sha256($1::bytea)
       RETURNING round(extract(epoch FROM (SELECT t.expires_at FROM one_time_tokens t WHERE t.hash = one_time_tokens.hash) - created_at)) / 3600 AS hours`,
      [Buffer.from(token)],
    );
    expect(Number(row!.hours)).toBe(
      { verify_email: 24, reset_password: 0.5, invitation: 168, change_email: 24, undo_email_change: 72 }[purpose],
    );
    const [path, { body }] = Object.entries(USES).find(([, { takes }]) => takes.includes(purpose))!;
    expect((await post(path, { token, ...body })).body.code).toBe('invalid_token_link');
  });

  test('is void once the address that it proves is no longer the account’s', async () => {
    for (const purpose of ['verify_email', 'reset_password', 'invitation'] as const) {
      const { email, token } = await TOKENS[purpose]();
      const moved = freshEmail();
      await database.query('UPDATE users SET email = $2, email_key = $2 WHERE email = $1', [email, moved]);
      const [path, { body }] = Object.entries(USES).find(([, { takes }]) => takes.includes(purpose))!;
      expect((await post(path, { token, ...body })).body.code).toBe('invalid_token_link');
    }
  });

  test.each(['', 'x', randomUUID(), 'A'.repeat(43)])('that is none: %j', async (token) => {
    for (const [path, { body }] of Object.entries(USES)) {
      const answer = await post(path, { token, ...body });
      expect([answer.status, answer.body.code]).toEqual([400, token === '' ? 'invalid_request' : 'invalid_token_link']);
    }
  });
});

test('an invitation gives the account its password and names, and signs in', async () => {
  const { email, token } = await TOKENS.invitation();
  await database.query(`UPDATE users SET username = 'taken-name' WHERE email = $1`, [await person('active')]);
  const accept = (form: object) => post('/v1/auth/invitations/accept', { token, password: OTHER_PASSWORD, ...form });
  expect((await accept({ username: 'Taken-Name' })).body.code).toBe('username_taken');
  expect((await accept({ password: 'short' })).body.code).toBe('invalid_request');
  const done = await accept({ username: 'grace', name: 'Grace' });
  expect([done.status, done.body.user]).toMatchObject([
    200,
    { email, username: 'grace', name: 'Grace', emailVerified: true },
  ]);
  expect((await login(email, OTHER_PASSWORD)).status).toBe(200);
});
