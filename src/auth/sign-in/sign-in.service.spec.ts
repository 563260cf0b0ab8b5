import type { EntityManager } from 'typeorm';
import type { Audit } from '../../audit/audit.service.js';
import type { Config } from '../../platform/config/config.js';
import type { Database } from '../../platform/database/database.js';
import type { RequestContext } from '../../platform/http/request-context.js';
import type { Mail } from '../../platform/mail/mail.service.js';
import type { Sessions } from '../../sessions/sessions.service.js';
import type { Notices } from '../../users/notices.service.js';
import type { UserRow } from '../../users/user.js';
import type { Users } from '../../users/users.service.js';
import { SecondFactor } from './second-factor.js';
import { SignIn } from './sign-in.service.js';
import { type Challenge, type Proof, signedInOf } from './sign-in-outcome.js';

const CONTEXT: RequestContext = { ip: '192.0.2.1', userAgent: 'Test', requestId: 'r' };
const CHALLENGE: Challenge = { kind: 'challenge', mfaToken: 'm', methods: ['totp'], expiresIn: 300 };
const ADA = {
  id: 'u',
  email: 'ada@example.com',
  email_verified_at: new Date(0),
  status: 'active',
  roles: ['user'],
  created_at: new Date(0),
  updated_at: new Date(0),
  last_login_at: null,
} as unknown as UserRow;

const proof: Proof = { userId: 'u', methods: ['password'], provedAt: new Date(0), stillHolds: async () => true };

interface State {
  before?: UserRow | null;
  locked?: UserRow | null;
  challenge?: Challenge | null;
  isNew?: boolean;
}

/** The exit with everything around it made up; `did` is what came of it, in order. */
function exit({ before = ADA, locked = before, challenge = null, isNew = false }: State = {}) {
  const did: unknown[] = [];
  const note = (what: unknown) => async () => void did.push(what);
  const users = {
    find: async () => before,
    lockForSignIn: async () => locked,
    markSignIn: async () => {
      did.push('marked');
      return new Date(1_000);
    },
  };
  const sessions = {
    isNewDevice: async () => isNew,
    open: async (_owner: unknown, methods: string[]) => {
      did.push(['opened', ...methods]);
      return { accessToken: 'a' };
    },
  };
  const database = { manager: {}, transaction: (work: (manager: unknown) => unknown) => work({}) };
  const audit = { record: async ({ type, data }: { type: string; data?: object }) => void did.push([type, data]) };
  const notices = { canNotifyOfDevice: async () => did.push('counted a mail') > 0 };
  class Fake extends SecondFactor {
    override challengeFor = async () => challenge;
  }
  const signIn = new SignIn(
    { requiresVerifiedEmail: true } as Config,
    database as unknown as Database,
    users as unknown as Users,
    sessions as unknown as Sessions,
    new Fake(),
    { send: note('mailed') } as unknown as Mail,
    notices as unknown as Notices,
    audit as unknown as Audit,
  );
  return { signIn, did };
}

test('a proof that holds opens a session, with its line in the audit log', async () => {
  const { signIn, did } = exit();
  const outcome = await signIn.complete(proof, CONTEXT);
  expect(outcome).toMatchObject({
    kind: 'signed_in',
    accessToken: 'a',
    user: { lastLoginAt: '1970-01-01T00:00:01.000Z' },
  });
  expect(did).toEqual(['marked', ['opened', 'password'], ['auth.login', { authMethods: ['password'] }]]);
  expect(signedInOf(outcome)).not.toHaveProperty('kind');
});

test('the owner is told of a new device', async () => {
  const { signIn, did } = exit({ isNew: true });
  await signIn.complete(proof, CONTEXT);
  expect(did).toContain('mailed');
});

const DISABLED = { ...ADA, status: 'disabled' } as UserRow;
const UNVERIFIED = { ...ADA, email_verified_at: null } as UserRow;

describe.each([
  ['gone', null, 'invalid_credentials'],
  ['disabled', DISABLED, 'account_disabled'],
  ['unverified', UNVERIFIED, 'email_not_verified'],
])('an account that is %s', (_, row, code) => {
  test.each([
    ['before the sign-in', { before: row, isNew: true }],
    ['under it', { locked: row }],
  ])('%s is refused for what it is, and nothing else happens', async (_when, state) => {
    const { signIn, did } = exit(state);
    await expect(signIn.complete(proof, CONTEXT)).rejects.toMatchObject({ code });
    expect(did).toEqual([['auth.login_failed', { code }]]);
  });
});

test('a proof that no longer holds under the lock opens nothing', async () => {
  const { signIn, did } = exit();
  const stale = { ...proof, stillHolds: async () => false };
  await expect(signIn.complete(stale, CONTEXT)).rejects.toMatchObject({ code: 'invalid_credentials' });
  expect(did).toEqual([['auth.login_failed', { code: 'invalid_credentials' }]]);
});

test('a registration is no sign-in: it is the event, and the account was not signed in to', async () => {
  const { signIn, did } = exit();
  const outcome = await signIn.completeRegistration(proof, CONTEXT, {} as EntityManager);
  expect(outcome).toMatchObject({ kind: 'signed_in', user: { lastLoginAt: null } });
  expect(did).toEqual([
    ['auth.registered', undefined],
    ['opened', 'password'],
  ]);
});

describe('where a second factor is due', () => {
  test('a right proof gets a challenge: no session, no mark, no login in the audit log, no notice', async () => {
    const { signIn, did } = exit({ challenge: CHALLENGE });
    expect(await signIn.complete(proof, CONTEXT)).toEqual(CHALLENGE);
    expect(did).toEqual([]);
  });

  test('a new account gets one too', async () => {
    const { signIn, did } = exit({ challenge: CHALLENGE });
    expect(await signIn.completeRegistration(proof, CONTEXT, {} as EntityManager)).toEqual(CHALLENGE);
    expect(did).toEqual([['auth.registered', undefined]]);
  });

  test('a disabled account or a stale proof gets none', async () => {
    const { signIn } = exit({ locked: DISABLED, challenge: CHALLENGE });
    await expect(signIn.complete(proof, CONTEXT)).rejects.toMatchObject({ code: 'account_disabled' });
    const stale = { ...proof, stillHolds: async () => false };
    await expect(exit({ challenge: CHALLENGE }).signIn.complete(stale, CONTEXT)).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
  });

  test('the route answers mfa_required with what the client needs to go on', () => {
    let thrown: unknown;
    try {
      signedInOf(CHALLENGE);
    } catch (error) {
      thrown = error;
    }
    const body = (thrown as { body: (id: string) => object }).body('r');
    expect(body).toMatchObject({ status: 401, code: 'mfa_required', mfaToken: 'm', methods: ['totp'], expiresIn: 300 });
    expect(body).not.toHaveProperty('kind');
  });
});
