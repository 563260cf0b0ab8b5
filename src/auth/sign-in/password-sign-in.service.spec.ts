import type { EntityManager } from 'typeorm';
import type { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import type { Passwords } from '../../credentials/passwords/passwords.service.js';
import { Problem } from '../../platform/http/problem.js';
import type { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import type { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';
import type { Users } from '../../users/users.service.js';
import { PasswordSignIn } from './password-sign-in.service.js';
import type { SignIn } from './sign-in.service.js';
import type { Proof } from './sign-in-outcome.js';

const CONTEXT = { ip: '192.0.2.1', userAgent: 'Test', requestId: 'r' };

/**
 * A sign-in with the password `right`, while the account's hash is another at every look: `found` are the hashes as they are
 * read, `locked` those under the lock. A hash is `password#n`, and fits by what stands before the #.
 */
function signingIn({ found, locked }: { found: (string | null)[]; locked: (string | null)[] }) {
  const did: string[] = [];
  let current: string | null = null;
  const users = { findCredentials: async () => ({ id: 'u', passwordHash: found.shift() ?? null, status: 'active' }) };
  const passwords = {
    isCurrent: async (_id: string, checked: string) => {
      current = locked.shift() ?? null;
      return current === checked;
    },
    hashOf: async () => current,
  };
  const hasher = {
    assertCapacity: () => undefined,
    isBusy: false,
    needsRehash: () => false,
    verify: async (password: string, hash: string | null) => {
      did.push(`checked ${hash}`);
      return hash?.startsWith(`${password}#`) ?? false;
    },
  };
  const guesses = {
    assertNotBlocked: () => undefined,
    check: (_subject: unknown, _context: unknown, check: () => unknown) => check(),
  };
  const refuse = async (code: 'invalid_credentials') => {
    did.push(`refused ${code}`);
    throw new Problem(code);
  };
  const signIn = {
    refuse,
    complete: async ({ stillHolds }: Proof) => {
      if (!(await stillHolds({} as EntityManager))) return refuse('invalid_credentials');
      return { kind: 'signed_in' };
    },
  };
  const service = new PasswordSignIn(
    users as unknown as Users,
    passwords as unknown as Passwords,
    hasher as unknown as PasswordHasher,
    guesses as unknown as LoginThrottle,
    signIn as unknown as SignIn,
    {} as TrustedNetworks,
  );
  return { did, answer: service.withPassword({ email: 'ada@example.com' }, 'right', CONTEXT) };
}

test('a hash that stays is checked once', async () => {
  const { did, answer } = signingIn({ found: ['right#1'], locked: ['right#1'] });
  expect(await answer).toEqual({ kind: 'signed_in' });
  expect(did).toEqual(['checked right#1']);
});

test('another hash under the sign-in is checked anew', async () => {
  const { did, answer } = signingIn({ found: ['right#1', 'right#2'], locked: ['right#2', 'right#2'] });
  expect(await answer).toEqual({ kind: 'signed_in' });
  expect(did).toEqual(['checked right#1', 'checked right#2']);
});

describe('an account that changes three times under a sign-in', () => {
  const found = () => ['right#1', 'right#2', 'right#3'];

  test('is signed in to where the password still fits under the lock', async () => {
    const { did, answer } = signingIn({ found: found(), locked: ['right#2', 'right#3', 'right#4'] });
    expect(await answer).toEqual({ kind: 'signed_in' });
    expect(did.at(-1)).toBe('checked right#4');
  });

  test.each([
    ['another password', 'other#4'],
    ['no password', null],
  ])('refuses the pair where it has %s by then, and is never told to be overloaded', async (_, last) => {
    const { did, answer } = signingIn({ found: found(), locked: ['right#2', 'right#3', last] });
    await expect(answer).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(did.at(-1)).toBe('refused invalid_credentials');
  });
});
