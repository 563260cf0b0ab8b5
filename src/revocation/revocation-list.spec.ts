import { Clock } from '../platform/common/clock.js';
import { newId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { RevocationList } from './revocation-list.js';

class MovedClock extends Clock {
  time = 1_800_000_000_000;
  override now(): number {
    return this.time;
  }
}

const clock = new MovedClock();
const list = () => new RevocationList({ accessTokenTtl: 900_000 } as Config, clock);
const someone = () => ({
  kind: 'session' as const,
  userId: newId(),
  sessionId: newId(),
  username: null,
  roles: [],
  tokenVersion: 3,
  issuedAt: 0,
  expiresAt: 0,
});

test('refuses the tokens of an ended session, and of no other', () => {
  const [one, other] = [someone(), someone()];
  const revoked = list();
  revoked.revokeSession(one.sessionId);
  expect(revoked.refusal(one)).toBe('session_revoked');
  expect(revoked.refusal(other)).toBeNull();
  expect(revoked.refusal({ ...other, userId: one.sessionId })).toBeNull();
});

test('refuses tokens minted before the last change of roles, whatever the order in which it hears of changes', () => {
  const one = someone();
  const raised = list();
  raised.raiseVersion(one.userId, 3);
  expect(raised.refusal(one)).toBeNull();
  raised.raiseVersion(one.userId, 5);
  raised.raiseVersion(one.userId, 4);
  expect([3, 4, 5, 6].map((tokenVersion) => raised.refusal({ ...one, tokenVersion }))).toEqual([
    'token_stale',
    'token_stale',
    null,
    null,
  ]);
});

test('of a user it goes by the highest version, and there by the last number; after a set-back by whatever comes', () => {
  const { userId } = someone();
  const heard = list();
  const knows = () => [...heard.changedUsers()].map(({ ver, roles }) => [ver, ...(roles ?? [])]);
  heard.remember(userId, 5, 100, { roles: ['five'], disabled: false });
  heard.remember(userId, 4, 101, { roles: ['four'], disabled: false });
  heard.remember(userId, 5, 99, { roles: ['older'], disabled: false });
  expect(knows()).toEqual([[5, 'five']]);
  heard.remember(userId, 6, 7, { roles: ['six'], disabled: false });
  expect(knows()).toEqual([[6, 'six']]);
  heard.remember(userId, 6, 5, { roles: ['older'], disabled: false });
  heard.forgetOrder();
  expect(knows()).toEqual([[6, 'six']]);
  heard.remember(userId, 6, 3, { roles: ['now'], disabled: false });
  expect(knows()).toEqual([[6, 'now']]);
});

test('refuses a token of the very version that is known, where it names a role that was not held then', () => {
  const one = { ...someone(), tokenVersion: 5 };
  const heard = list();
  const refused = (...roles: string[]) => heard.refusal({ ...one, roles });
  heard.raiseVersion(one.userId, 5);
  expect(refused('helper')).toBeNull();
  heard.remember(one.userId, 5, 1, { roles: ['user'], disabled: false });
  expect([refused('helper', 'user'), refused('user'), refused()]).toEqual(['token_stale', null, null]);
  expect(heard.refusal({ ...one, tokenVersion: 6, roles: ['helper'] })).toBeNull();
});

test('remembers for as long as a token may live, and a minute', () => {
  const one = someone();
  const revoked = list();
  revoked.revokeSession(one.sessionId);
  clock.time += 960_000;
  expect(revoked.refusal(one)).toBe('session_revoked');
  clock.time += 1_000;
  expect(revoked.refusal(one)).toBeNull();
});
