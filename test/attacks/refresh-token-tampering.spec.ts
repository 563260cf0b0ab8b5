import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { APP_SECRET } from '../support/server.js';
import { type Problem, type SignedUp, signUp } from '../support/users.js';

/**
 * Refresh tokens that the server did not write: 401 invalid_refresh_token, and nothing in the database changes.
 * CVE-2026-27840 (a truncated token was good), CVE-2026-4282 (one kind of secret in the place of another).
 */

let database: TestDatabase;
let gatehouse: Gatehouse;
let owner: SignedUp;
let other: SignedUp;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  [owner, other] = await Promise.all([signUp(gatehouse), signUp(gatehouse)]);
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** Everything that a refresh could touch. */
function state() {
  return database.query(
    'SELECT s::text AS session, (SELECT count(*) FROM audit_events) AS events FROM sessions s ORDER BY id',
  );
}

async function refuses(refreshToken: string): Promise<void> {
  const { status, body, headers } = await gatehouse.call<Problem>('POST', '/v1/auth/refresh', {
    body: { refreshToken },
  });
  expect([status, body.code]).toEqual([401, 'invalid_refresh_token']);
  expect(headers.get('www-authenticate')).toBe('Bearer');
}

test('every byte turned', async () => {
  const before = await state();
  const bytes = Buffer.from(owner.refreshToken.slice(4), 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 0x80]) {
      const turned = Buffer.from(bytes);
      turned[at] = (turned[at] ?? 0) ^ bit;
      await refuses(`grt_${turned.toString('base64url')}`);
    }
  }
  expect(await state()).toEqual(before);
});

test('cut at every length, extended, spelled otherwise', async () => {
  const before = await state();
  const genuine = owner.refreshToken;
  for (let length = 0; length < genuine.length; length++) await refuses(genuine.slice(0, length));
  const spellings = [
    `${genuine}A`,
    `${genuine}AAAA`,
    `${genuine}=`,
    ` ${genuine}`,
    `${genuine} `,
    `${genuine}\n`,
    `\n${genuine}`,
    `${genuine}\u0000`,
    `${genuine}.`,
    genuine.slice(4),
    `GRT_${genuine.slice(4)}`,
    `grt_grt_${genuine.slice(4)}`,
    genuine.replace('grt_', 'grt-'),
    genuine.toUpperCase(),
    genuine.toLowerCase(),
    `${genuine}${genuine}`,
    `Bearer ${genuine}`,
    `grt_${Buffer.from(genuine.slice(4), 'base64url').toString('hex')}`,
    `grt_${'A'.repeat(112)}`,
    'x'.repeat(60_000),
    genuine.replace(/.$/, 'é'),
    "' OR '1'='1",
    owner.accessToken,
    owner.session.id,
    '',
  ];
  for (const token of spellings) await refuses(token);
  expect(await state()).toEqual(before);
});

test('the parts of two genuine tokens put together', async () => {
  const before = await state();
  const [mine, theirs] = [owner, other].map(({ refreshToken }) => Buffer.from(refreshToken.slice(4), 'base64url'));
  for (const cut of [16, 20, 52]) {
    for (const [head, tail] of [
      [mine, theirs],
      [theirs, mine],
    ]) {
      const mixed = Buffer.concat([head!.subarray(0, cut), tail!.subarray(cut)]);
      await refuses(`grt_${mixed.toString('base64url')}`);
    }
  }
  expect(await state()).toEqual(before);
});

/** Writes a token as the server would, but with this key. */
function forged(counter: number, key: Buffer, secret: Buffer): string {
  const body = Buffer.alloc(52);
  body.write(owner.session.id.replaceAll('-', ''), 'hex');
  body.writeUInt32BE(counter, 16);
  secret.copy(body, 20);
  return `grt_${Buffer.concat([body, createHmac('sha256', key).update(body).digest()]).toString('base64url')}`;
}

test('a counter of its choice under a key that is not the server’s', async () => {
  const before = await state();
  const secret = Buffer.from(owner.refreshToken.slice(4), 'base64url').subarray(20, 52);
  const keys = [
    Buffer.alloc(0),
    Buffer.alloc(32),
    randomBytes(32),
    Buffer.from(APP_SECRET),
    secret,
    Buffer.from(owner.session.id),
  ];
  for (const key of keys) for (const counter of [0, 1, 2, 0xffffffff]) await refuses(forged(counter, key, secret));
  expect(await state()).toEqual(before);
});

test('with the server’s own key, but the hash of the secret as the database has it: genuine in form, and of no session', async () => {
  const key = Buffer.from(hkdfSync('sha256', APP_SECRET, '', 'gatehouse refresh tokens', 32));
  const before = await state();
  const [row] = await database.query<{ secret_hash: Buffer }>('SELECT secret_hash FROM sessions WHERE id = $1', [
    owner.session.id,
  ]);
  for (const counter of [0, 1]) {
    const body = { refreshToken: forged(counter, key, row!.secret_hash) };
    const { status, body: problem } = await gatehouse.call<Problem>('POST', '/v1/auth/refresh', { body });
    expect([status, problem.code]).toEqual([401, 'session_revoked']);
  }
  expect(await state()).toEqual(before);
});

test('where it does not belong, a refresh token is nothing', async () => {
  const { refreshToken } = owner;
  const asAccess = await gatehouse.call<Problem>('GET', '/v1/auth/session', { token: refreshToken });
  expect([asAccess.status, asAccess.body.code]).toEqual([401, 'invalid_token']);
  const inQuery = await gatehouse.call<Problem>('POST', `/v1/auth/refresh?refreshToken=${refreshToken}`, { body: {} });
  expect([inQuery.status, inQuery.body.code]).toEqual([400, 'invalid_request']);
});

test('after all that the genuine one is as good as before', async () => {
  for (const { refreshToken } of [owner, other]) {
    expect((await gatehouse.call('POST', '/v1/auth/refresh', { body: { refreshToken } })).status).toBe(200);
  }
});
