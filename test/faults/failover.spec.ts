import { randomBytes } from 'node:crypto';
import { cliJson } from '../support/cli.js';
import { type Api, GatehouseProcess } from '../support/gatehouse.js';
import { LOAD } from '../support/load.js';
import { Postbox } from '../support/mail.js';
import { ReplicatedPostgres } from '../support/replicated-postgres.js';
import { PASSWORD, refresh, type SignedUp, signIn, signUp, type Tokens, verdict } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/**
 * An asynchronous failover with real engines: what was acknowledged in the last second is lost with the primary. What was
 * ended stays ended wherever one instance that heard of it lives, and nobody who was signed in is signed out.
 */
const ADMIN = 'admin@example.com';
/** Milliseconds within which a revocation is felt everywhere under a single fault. */
const BOUND = 5_000 * LOAD;

let pair: ReplicatedPostgres;
let postbox: Postbox;
let one: GatehouseProcess;
let two: GatehouseProcess;
/** Started after the failover: it knows what the database says and nothing else. */
let three: GatehouseProcess;
let env: Record<string, string>;
let admin: SignedUp;
const cast: Record<'loggedOut' | 'lowered' | 'disabled' | 'shutOut' | 'moving' | 'bystander' | 'mailed', SignedUp> =
  {} as never;
/** The tokens of the session that moved, oldest first. The last two came in the lost second. */
let chain: Tokens[];

beforeAll(async () => {
  [pair, postbox] = await Promise.all([ReplicatedPostgres.start(), Postbox.reserve()]);
  env = {
    SMTP_URL: postbox.url,
    MAIL_FROM: 'gate@example.com',
    EMAIL_VERIFICATION: 'optional',
    BOOTSTRAP_ADMIN_EMAIL: ADMIN,
    BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  };
  [one, two] = await Promise.all([start(), start()]);
  await before();
  await pair.cut();
  await inTheLostSecond();
  await pair.killPrimary();
  await pair.promote();
  await Promise.all([one, two].map((gatehouse) => waitFor(async () => (await health(gatehouse)) === 200)));
  three = await start();
});

afterAll(async () => {
  await Promise.all([one, two, three].map((gatehouse) => gatehouse?.kill()));
  await postbox?.close();
  await pair?.stop();
});

const start = async () => GatehouseProcess.start({ DATABASE_URL: (await pair.front()).url, ...env });

const health = async (gatehouse: Api) => (await gatehouse.call('GET', '/health/database')).status;

/** Does something as the administrator; throws where it is refused. */
async function command(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await one.call(method, path, { body, token: admin.accessToken });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
}

async function before(): Promise<void> {
  admin = await signIn(one, ADMIN);
  await command('PUT', '/v1/roles/support', { permissions: ['users:read'] });
  for (const name of ['loggedOut', 'lowered', 'disabled', 'shutOut', 'moving', 'bystander', 'mailed'] as const)
    cast[name] = await signUp(one);
  await command('PUT', `/v1/users/${cast.lowered.user.id}/roles`, { roles: ['user', 'support'] });
  cast.lowered = await signIn(one, cast.lowered.user.email);
  expect(await verdict(two, cast.lowered.accessToken, '/v1/users')).toBe('ok');
  chain = [cast.moving, await next(two, cast.moving.refreshToken)];
  await waitFor(async () => (await pair.query('SELECT FROM audit_unsealed')).length === 0);
}

/** What the honest client of a chain gets for its token. */
async function next(gatehouse: Api, refreshToken: string): Promise<Tokens> {
  const answer = await refresh(gatehouse, refreshToken, randomBytes(16).toString('base64url'));
  expect(answer.code).toBe('ok');
  return answer.body;
}

/** Acknowledged, felt on the other instance, and then gone with the primary. */
async function inTheLostSecond(): Promise<void> {
  await command('PUT', `/v1/users/${cast.lowered.user.id}/roles`, { roles: ['user'] });
  await command('PATCH', `/v1/users/${cast.disabled.user.id}`, { status: 'disabled' });
  await command('POST', '/v1/sessions/revoke-before', { userId: cast.shutOut.user.id });
  await one.call('POST', '/v1/auth/logout', { token: cast.loggedOut.accessToken });
  for (let n = 0; n < 2; n++) chain.push(await next(n % 2 ? two : one, chain.at(-1)?.refreshToken ?? ''));
  for (const [name, code] of FELT)
    await waitFor(async () => (await verdict(two, cast[name].accessToken)) === code).catch((error) => {
      throw new Error(`${name}: ${error}`);
    });
  // So the chain of the audit log is set back, too.
  await waitFor(async () => (await pair.query('SELECT FROM audit_unsealed')).length === 0);
}

const FELT = [
  ['loggedOut', 'session_revoked'],
  ['disabled', 'session_revoked'],
  ['shutOut', 'session_revoked'],
  ['lowered', 'token_stale'],
] as const;

const everyInstance = () => [one, two, three];

describe('what was ended in the lost second', () => {
  test.each(FELT)('%s: its access token is refused on every instance, by a new one too', async (name, code) => {
    for (const gatehouse of everyInstance()) {
      await waitFor(async () => (await verdict(gatehouse, cast[name].accessToken)) === code, { within: BOUND });
      expect(await verdict(gatehouse, cast[name].accessToken)).toBe(code);
    }
  });

  test.each(['loggedOut', 'disabled', 'shutOut'] as const)('%s: its refresh token gets nothing', async (name) => {
    for (const gatehouse of everyInstance())
      expect((await refresh(gatehouse, cast[name].refreshToken)).code).toBe('session_revoked');
  });

  test('a role that was taken away does not come back with a refresh', async () => {
    let { refreshToken } = cast.lowered;
    for (const gatehouse of everyInstance()) {
      const tokens = await next(gatehouse, refreshToken);
      refreshToken = tokens.refreshToken;
      expect(await verdict(gatehouse, tokens.accessToken)).toBe('ok');
      expect(await verdict(gatehouse, tokens.accessToken, '/v1/users')).toBe('forbidden');
    }
    expect(await pair.query('SELECT role FROM user_roles WHERE user_id = $1', [cast.lowered.user.id])).toEqual([
      { role: 'user' },
    ]);
  });
});

describe('who was signed in', () => {
  test('stays so with the newest refresh token, and the one before it is reuse', async () => {
    const newest = await next(two, chain.at(-1)?.refreshToken ?? '');
    expect(await verdict(one, newest.accessToken)).toBe('ok');
    expect(await verdict(three, newest.accessToken)).toBe('ok');
    const after = await next(one, newest.refreshToken);
    expect((await refresh(one, chain.at(-2)?.refreshToken ?? '')).code).toBe('refresh_reused');
    expect(await verdict(one, after.accessToken)).toBe('session_revoked');
  });

  test('stays so who did nothing meanwhile, an administrator too', async () => {
    for (const person of [cast.bystander, admin]) {
      let { accessToken, refreshToken } = person as Pick<Tokens, 'accessToken' | 'refreshToken'>;
      for (const gatehouse of everyInstance()) {
        expect(await verdict(gatehouse, accessToken)).toBe('ok');
        ({ accessToken, refreshToken } = await next(gatehouse, refreshToken));
        expect(await verdict(gatehouse, accessToken)).toBe('ok');
      }
    }
  });

  test('may sign in and out again, felt on every instance', async () => {
    const again = await signIn(two, cast.bystander.user.email);
    expect(await verdict(one, again.accessToken)).toBe('ok');
    await two.call('POST', '/v1/auth/logout', { token: again.accessToken });
    for (const gatehouse of everyInstance())
      await waitFor(async () => (await verdict(gatehouse, again.accessToken)) === 'session_revoked');
  });
});

interface AuditReport {
  faults: unknown[];
  setBacks: unknown[];
}

test('the audit log records that it was set back, goes on, and gives no false alarm', async () => {
  await one.call('POST', '/v1/auth/logout', { token: (await signIn(one, cast.mailed.user.email)).accessToken });
  await waitFor(async () => (await pair.query('SELECT FROM audit_unsealed')).length === 0);
  const report = await cliJson<AuditReport>(pair.url, ['audit:verify']);
  expect(report.faults).toEqual([]);
  expect(report.setBacks).toHaveLength(1);
  for (const { output } of everyInstance()) expect(output).not.toMatch(/tamper/i);
});

test('a mail that waited for its server during the failover is delivered', async () => {
  expect(postbox.mails).toEqual([]);
  await postbox.open();
  const people = Object.values(cast).map(({ user }) => user.email);
  await waitFor(() => {
    const reached = new Set(postbox.mails.flatMap(({ to }) => to));
    return people.filter((email) => !reached.has(email)).length === 0;
  });
});
