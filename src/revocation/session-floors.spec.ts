import fc from 'fast-check';
import { firstIdAt } from '../platform/common/id.js';
import { SessionFloors } from './session-floors.js';

const LIFE = 10;
const MOMENT = 1_800_000_000_000;
const USERS = ['01890a5d-ac96-774b-bcce-b302099a8057', '01890a5d-ac96-774b-bcce-b302099a8058'] as const;
const ROLES = ['admin', 'user'] as const;

/** The id of a session that was opened in this millisecond. */
const sessionAt = (at: number, n = 0) =>
  `${firstIdAt(MOMENT + at).slice(0, 14)}7abc-8abc-${n.toString(16).padStart(12, '0')}`;

const user = fc.constantFrom(...USERS);
const role = fc.constantFrom(null, ...ROLES);
const at = fc.integer({ min: 1, max: 30 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('user' as const), user, at, kept: fc.option(at) }),
  fc.record({ kind: fc.constant('epoch' as const), role, at }),
);

test('says what the rule says, of whatever was heard, in whatever order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const floors = new SessionFloors(() => 1_000);
      const users = new Map<string, { at: number; kept: Set<number> }>();
      const epochs = new Map<string | null, number>();
      for (const move of steps) {
        if (move.kind === 'epoch') {
          floors.raiseEpoch(move.role, firstIdAt(MOMENT + move.at), 1_000 + LIFE);
          epochs.set(move.role, Math.max(move.at, epochs.get(move.role) ?? 0));
          continue;
        }
        const kept = move.kept === null ? null : sessionAt(move.kept, USERS.indexOf(move.user));
        floors.raiseUser(move.user, firstIdAt(MOMENT + move.at), kept, 1_000 + LIFE);
        const known = users.get(move.user);
        if (known && known.at > move.at) continue;
        // The database gives each that is kept a floor of its own; heard twice it is the same.
        const others = known?.at === move.at ? known.kept : [];
        users.set(move.user, { at: move.at, kept: new Set([...others, ...(move.kept === null ? [] : [move.kept])]) });
      }
      for (const userId of USERS) {
        for (const roles of [[], ['user'], ['admin', 'user']]) {
          for (let opened = 0; opened <= 31; opened++) {
            const own = users.get(userId);
            const isBelowOwn = own !== undefined && opened < own.at && !own.kept.has(opened);
            const epoch = Math.max(...[null, ...roles].map((name) => epochs.get(name) ?? 0));
            // A session is one user's alone.
            const sessionId = sessionAt(opened, USERS.indexOf(userId));
            const dead = floors.isBelow({ sessionId, userId, roles });
            expect({ opened, dead }).toEqual({ opened, dead: isBelowOwn || opened < epoch });
          }
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('the next floor ends the session that was kept, whichever is kept then', () => {
  const floors = new SessionFloors(() => 1_000);
  const [userId] = USERS;
  const isBelow = (opened: number) => floors.isBelow({ sessionId: sessionAt(opened), userId, roles: [] });
  floors.raiseUser(userId, firstIdAt(MOMENT + 10), sessionAt(3), 1_010);
  expect([3, 4, 10].map(isBelow)).toEqual([false, true, false]);
  floors.raiseUser(userId, firstIdAt(MOMENT + 20), sessionAt(10), 1_010);
  expect([3, 4, 10, 11, 20].map(isBelow)).toEqual([true, true, false, true, false]);
});

test('all of it lapses, and a kept session no sooner than the floor that it is kept under', () => {
  let now = 1_000;
  const floors = new SessionFloors(() => now);
  const [userId] = USERS;
  const isBelow = (opened: number) => floors.isBelow({ sessionId: sessionAt(opened), userId, roles: ['user'] });
  floors.raiseUser(userId, firstIdAt(MOMENT + 10), sessionAt(3), now + LIFE);
  now += 5;
  floors.raiseUser(userId, firstIdAt(MOMENT + 5), null, now + LIFE);
  expect([3, 4].map(isBelow)).toEqual([false, true]);
  now += 6;
  expect([3, 4].map(isBelow)).toEqual([false, false]);
  floors.raiseEpoch('user', firstIdAt(MOMENT + 10), now + LIFE);
  floors.raiseEpoch(null, firstIdAt(MOMENT + 5), now + LIFE);
  expect([4, 9, 10].map(isBelow)).toEqual([true, true, false]);
  now += LIFE + 1;
  expect([4, 9].map(isBelow)).toEqual([false, false]);
  floors.raiseEpoch(null, firstIdAt(MOMENT + 2), now + LIFE);
  expect([1, 4].map(isBelow)).toEqual([true, false]);
});

test('a mass logout is one entry, whatever it ends', () => {
  const floors = new SessionFloors(() => 1_000);
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 1_000; n++) floors.raiseEpoch(n % 2 ? null : 'user', firstIdAt(MOMENT + n), 1_010);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(1_000_000);
  expect(floors.isBelow({ sessionId: sessionAt(998), userId: USERS[0], roles: [] })).toBe(true);
});
