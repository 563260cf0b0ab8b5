import { nobodySignedOut, oneSuccessorEach, spentStaysSpent } from './chains.js';
import { endedStaysEnded, rolesStayLowered, tokenChecksGoOn, versionsNeverFall } from './ended.js';
import type {
  Call,
  Check,
  Ending,
  Fault,
  Health,
  History,
  Opening,
  Operation,
  Refresh,
  RoleChange,
} from './history.js';
import { auditedOnce, mailedAtLeastOnce } from './records.js';

/** Each checker against a history that breaks its rule in one place, and against the nearest one that does not. */
const BOUNDS = { usual: 1_000, fault: 5_000 };

const at = (start: number, call: Partial<Call> = {}): Call => ({
  start,
  end: start + 10,
  instance: 0,
  outcome: 'ok',
  code: '',
  requestId: `r${start}`,
  ...call,
});
const OF_ANN = { user: 'ann', session: 's1', claims: { ver: 1, roles: ['user'] } };

const signUp = (start: number, more: Partial<Opening> = {}): Opening => ({
  ...at(start),
  kind: 'signUp',
  email: 'ann@example.com',
  ...OF_ANN,
  ...more,
});
const check = (start: number, more: Partial<Check> = {}): Check => ({
  ...at(start),
  kind: 'check',
  ...OF_ANN,
  ...more,
});
const refresh = (start: number, more: Partial<Refresh> = {}): Refresh => ({
  ...at(start),
  kind: 'refresh',
  presented: 'a',
  successor: 'b',
  spent: false,
  ...OF_ANN,
  ...more,
});
const logout = (start: number, more: Partial<Ending> = {}): Ending => ({
  ...at(start),
  kind: 'end',
  by: 'logout',
  user: 'ann',
  sessions: ['s1'],
  ...more,
});
const roles = (start: number, names: string[], more: Partial<RoleChange> = {}): RoleChange => ({
  ...at(start),
  kind: 'roles',
  user: 'ann',
  roles: names,
  ...more,
});
const health = (start: number, more: Partial<Health> = {}): Health => ({ ...at(start), kind: 'health', ...more });
const cut = (start: number, end: number, more: Partial<Fault> = {}): Fault => ({ kind: 'cut', start, end, ...more });
const LOST = cut(0, 500, { lost: { from: 0, to: 100 } });
const LONG = cut(0, 20_000, { lost: { from: 0, to: 100 } });
const history = (operations: Operation[], faults: Fault[] = []): History => ({ operations, faults });
const fails = (code: string): Partial<Call> => ({ outcome: 'fail', code });
const UNKNOWN: Partial<Call> = { outcome: 'unknown' };
const FAR = { instance: 1 };
const HELPER = { ...OF_ANN, claims: { ver: 2, roles: ['user', 'helper'] } };

type Case = [name: string, violations: number, history: History];

describe('endedStaysEnded', () => {
  const untrusted = health(6_200, { ...FAR, ...fails('') });
  const cases: Case[] = [
    ['accepted within the bound', 0, history([logout(0), check(900, FAR)])],
    ['accepted past the bound', 1, history([logout(0), check(1_100, FAR)])],
    ['accepted at once by the very instance that ended it', 1, history([logout(0), check(20)])],
    ['accepted by a check that began before the answer', 0, history([logout(0, { end: 50 }), check(40)])],
    ['exchanged past the bound', 1, history([logout(0), refresh(1_100, FAR)])],
    ['refused', 0, history([logout(0), check(1_100, { ...FAR, ...fails('session_revoked') })])],
    ['not answered', 0, history([logout(0), check(1_100, { ...FAR, ...UNKNOWN })])],
    ['ended perhaps', 0, history([logout(0, UNKNOWN), check(1_100, FAR)])],
    ['another session', 0, history([logout(0), check(1_100, { ...FAR, session: 's2' })])],
    ['under a fault, within its bound', 0, history([logout(0), check(4_900, FAR)], [cut(500, 9_000)])],
    ['under a fault, past its bound, trusted', 1, history([logout(0), check(6_300, FAR)], [cut(500, 9_000)])],
    ['… said trusted', 1, history([logout(0), health(6_200, FAR), check(6_300, FAR)], [cut(500, 9_000)])],
    ['… said untrusted', 0, history([logout(0), untrusted, check(6_300, FAR)], [cut(500, 9_000)])],
    ['… said untrusted right after', 1, history([logout(0), check(6_100, FAR), untrusted], [cut(500, 9_000)])],
    [
      '… not said',
      1,
      history([logout(0), health(6_200, { ...FAR, ...UNKNOWN }), check(6_300, FAR)], [cut(500, 9_000)]),
    ],
    [
      '… said untrusted, then trusted again',
      1,
      history([logout(0), untrusted, health(6_300, FAR), check(6_400, FAR)], [cut(500, 9_000)]),
    ],
    [
      '… said so by another instance',
      1,
      history([logout(0), { ...untrusted, instance: 0 }, check(6_300, FAR)], [cut(500, 9_000)]),
    ],
    ['… exchanged although said untrusted', 1, history([logout(0), untrusted, refresh(6_300, FAR)], [cut(500, 9_000)])],
    ['a fault that began after it was due', 1, history([logout(0), check(1_300, FAR)], [cut(1_200, 9_000)])],
    ['lost in a failover, until that is over', 0, history([logout(50), check(12_000, FAR)], [LONG])],
    ['lost in a failover, and after it', 1, history([logout(50), check(20_100, FAR)], [LONG])],
    ['lost in a failover, at the instance that ended it', 1, history([logout(50), check(12_000)], [LONG])],
    ['lost in a failover, exchanged', 1, history([logout(50), refresh(12_000, FAR)], [LONG])],
    ['not lost in the failover', 1, history([logout(200), check(12_000, FAR)], [LONG])],
    ['a fault that was over before', 1, history([logout(500), check(1_700, FAR)], [cut(0, 400)])],
  ];
  test.each(cases)('%s: %d', (_, count, told) => expect(endedStaysEnded(told, BOUNDS)).toHaveLength(count));
});

describe('rolesStayLowered', () => {
  const cases: Case[] = [
    ['minted with it past the bound', 1, history([roles(0, ['user']), refresh(1_100, { ...FAR, ...HELPER })])],
    ['accepted with it past the bound', 1, history([roles(0, ['user']), check(1_100, { ...FAR, ...HELPER })])],
    ['minted without it', 0, history([roles(0, ['user']), refresh(1_100, FAR)])],
    ['within the bound', 0, history([roles(0, ['user']), check(500, { ...FAR, ...HELPER })])],
    ['taken away perhaps', 0, history([roles(0, ['user'], UNKNOWN), check(1_100, { ...FAR, ...HELPER })])],
    ['given again', 0, history([roles(0, ['user']), roles(50, ['user', 'helper']), check(1_100, HELPER)])],
    [
      'given again perhaps',
      0,
      history([roles(0, ['user']), roles(50, ['user', 'helper'], UNKNOWN), check(1_100, HELPER)]),
    ],
    [
      'given again in vain',
      1,
      history([roles(0, ['user']), roles(50, ['user', 'helper'], fails('x')), check(1_100, HELPER)]),
    ],
    ['another user’s', 0, history([roles(0, ['user'], { user: 'bob' }), check(1_100, HELPER)])],
    ['minted while a failover is put right', 0, history([roles(50, ['user']), refresh(400, HELPER)], [LOST])],
    ['minted before anything was lost', 1, history([roles(10, ['user']), refresh(30, HELPER)], [LOST])],
    ['minted when it must have been', 1, history([roles(50, ['user']), refresh(600, HELPER)], [LOST])],
    ['accepted elsewhere until then', 0, history([roles(50, ['user']), check(12_000, { ...FAR, ...HELPER })], [LONG])],
    ['accepted elsewhere after it', 1, history([roles(50, ['user']), check(20_100, { ...FAR, ...HELPER })], [LONG])],
    ['accepted meanwhile where it was taken away', 1, history([roles(50, ['user']), check(600, HELPER)], [LOST])],
  ];
  test.each(cases)('%s: %d', (_, count, told) => expect(rolesStayLowered(told, BOUNDS)).toHaveLength(count));
});

describe('versionsNeverFall', () => {
  const cases: Case[] = [
    ['a later token with a lower version', 1, history([refresh(0, HELPER), refresh(20)])],
    ['tokens minted at the same time', 0, history([refresh(0, HELPER), refresh(5)])],
    ['a later token with a higher version', 0, history([refresh(0), refresh(20, HELPER)])],
    ['another user’s', 0, history([refresh(0, HELPER), refresh(20, { user: 'bob' })])],
    ['a refusal', 0, history([refresh(0, HELPER), refresh(20, fails('session_revoked'))])],
    ['while a failover is put right', 0, history([refresh(0, HELPER), refresh(400)], [LOST])],
    ['before anything was lost', 1, history([refresh(0, HELPER), refresh(20)], [LOST])],
    ['when it must have been', 1, history([refresh(0, HELPER), refresh(600)], [LOST])],
    ['after a fault that lost nothing', 1, history([refresh(0, HELPER), refresh(600)], [cut(0, 500)])],
  ];
  test.each(cases)('%s: %d', (_, count, told) => expect(versionsNeverFall(told)).toHaveLength(count));
});

describe('tokenChecksGoOn', () => {
  const cases: Case[] = [
    ['a check that was not answered', 1, history([check(100, UNKNOWN)], [cut(0, 500)])],
    ['… of the instance that was down', 0, history([check(100, UNKNOWN)], [cut(0, 500, { down: 0 })])],
    ['… of the other one', 1, history([check(100, UNKNOWN)], [cut(0, 500, { down: 1 })])],
    ['… after it was up again', 1, history([check(600, UNKNOWN)], [cut(0, 500, { down: 0 })])],
    ['checks that were', 0, history([check(100), check(200, fails('session_revoked'))], [cut(0, 500)])],
  ];
  test.each(cases)('%s: %d', (_, count, told) => expect(tokenChecksGoOn(told)).toHaveLength(count));
});

describe('oneSuccessorEach', () => {
  const cases: Case[] = [
    ['two successors of one token', 1, history([refresh(0), refresh(20, { successor: 'c' })])],
    ['the same successor twice', 0, history([refresh(0), refresh(20)])],
    ['a chain', 0, history([refresh(0), refresh(20, { presented: 'b', successor: 'c' })])],
    ['a refusal', 0, history([refresh(0), refresh(20, { successor: '', ...fails('session_revoked') })])],
  ];
  test.each(cases)('%s: %d', (_, count, told) => expect(oneSuccessorEach(told)).toHaveLength(count));
});

test.each<Case>([
  ['exchanged', 1, history([refresh(0, { spent: true })])],
  ['refused', 0, history([refresh(0, { spent: true, ...fails('refresh_reused') })])],
  ['not answered', 0, history([refresh(0, { spent: true, ...UNKNOWN })])],
])('spentStaysSpent: %s: %d', (_, count, told) => expect(spentStaysSpent(told)).toHaveLength(count));

describe('nobodySignedOut', () => {
  const revoked = fails('session_revoked');
  const reused = fails('refresh_reused');
  const cases: Case[] = [
    ['a refresh refused', 1, history([signUp(0), refresh(200, revoked)])],
    ['a check refused', 1, history([signUp(0), check(200, revoked)])],
    ['a token that suddenly is none', 1, history([signUp(0), check(200, fails('invalid_token'))])],
    ['after its end', 0, history([logout(0), check(200, revoked), refresh(200, revoked)])],
    ['after what may have been its end', 0, history([logout(0, UNKNOWN), check(200, revoked)])],
    ['after an end that was refused', 1, history([logout(0, fails('x')), check(200, revoked)])],
    ['before its end', 1, history([check(0, revoked), logout(200)])],
    ['after the end of another session', 1, history([logout(0, { sessions: ['s2'] }), check(200, revoked)])],
    ['taken for a thief', 1, history([signUp(0), refresh(200, reused)])],
    ['taken for a thief after its end', 1, history([logout(0), refresh(200, reused)])],
    ['after a theft', 0, history([refresh(0, { spent: true, ...reused }), refresh(200, reused), check(300, revoked)])],
    ['opened in the lost second', 0, history([signUp(50), refresh(600, revoked)], [LOST])],
    ['opened before the lost second', 1, history([signUp(-50), refresh(600, revoked)], [LOST])],
    ['opened after it', 1, history([signUp(150), refresh(600, revoked)], [LOST])],
    ['stale without a change', 1, history([signUp(0), check(200, fails('token_stale'))])],
    ['stale after a change', 0, history([roles(0, ['user']), check(200, fails('token_stale'))])],
    [
      'stale after another user’s change',
      1,
      history([roles(0, [], { user: 'bob' }), check(200, fails('token_stale'))]),
    ],
  ];
  test.each(cases)('%s: %d', (_, count, told) => expect(nobodySignedOut(told)).toHaveLength(count));
});

describe('auditedOnce', () => {
  const entry = { type: 'auth.logout', requestId: 'r50' };
  const CHANGED = { type: 'user.roles_changed', requestId: 'r0' };
  const cases: [string, number, History, object[]][] = [
    ['acknowledged and there', 0, history([logout(50)]), [entry]],
    ['acknowledged and not there', 1, history([logout(50)]), []],
    ['there under another type', 1, history([logout(50)]), [{ ...entry, type: 'auth.login' }]],
    ['there twice', 1, history([logout(50)]), [entry, entry]],
    ['lost with the primary', 0, history([logout(50)], [LOST]), []],
    ['lost with the primary and there twice', 1, history([logout(50)], [LOST]), [entry, entry]],
    ['in doubt and not there', 0, history([logout(50, UNKNOWN)]), []],
    ['in doubt and there', 0, history([logout(50, UNKNOWN)]), [entry]],
    ['in doubt and there twice', 1, history([logout(50, UNKNOWN)]), [entry, entry]],
    ['refused and there', 1, history([logout(50, fails('x'))]), [entry]],
    ['a sign-up', 1, history([signUp(50)]), []],
    ['a change of roles', 1, history([roles(50, [])]), []],
    ['a change of roles after one in doubt', 0, history([roles(0, [], UNKNOWN), roles(50, [])]), []],
    ['a change of roles after one that was made', 1, history([roles(0, []), roles(50, [])]), [CHANGED]],
    ['a change of roles after a failover', 0, history([roles(600, [])], [LOST]), []],
    ['a change of roles before a failover', 1, history([roles(-50, [])], [LOST]), []],
    ['a logout after a failover', 1, history([logout(600)], [LOST]), []],
    ['a check', 0, history([check(50)]), []],
  ];
  test.each(cases)('%s: %d', (_, count, told, entries) =>
    expect(auditedOnce(told, entries as Parameters<typeof auditedOnce>[1])).toHaveLength(count),
  );
});

describe('mailedAtLeastOnce', () => {
  const cases: [string, number, History, string[]][] = [
    ['no mail', 1, history([signUp(50)]), ['bob@example.com']],
    ['a mail', 0, history([signUp(50)]), ['ann@example.com']],
    ['two', 0, history([signUp(50)]), ['ann@example.com', 'ann@example.com']],
    ['a sign-up in doubt', 0, history([signUp(50, UNKNOWN)]), []],
    ['a sign-up that was lost', 0, history([signUp(50)], [LOST]), []],
    ['a sign-up after that', 1, history([signUp(150)], [LOST]), []],
  ];
  test.each(cases)('%s: %d', (_, count, told, mails) => expect(mailedAtLeastOnce(told, mails)).toHaveLength(count));
});
