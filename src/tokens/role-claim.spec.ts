import { claimedRoles, LARGEST_ROLES } from './role-claim.js';

const named = (count: number, length: number) =>
  Array.from({ length: count }, (_, n) => `r${String(n).padStart(length - 1, '0')}`);
const size = (roles: string[]) => JSON.stringify(roles).length;

test('a user who holds no more than may be held has all of them in the token, in their order', () => {
  for (const roles of [[], ['user'], named(64, 64)]) expect(claimedRoles(roles)).toEqual(roles);
});

test('many short names of before the bound all go in', () => {
  expect(claimedRoles(named(90, 10))).toEqual(named(90, 10));
});

test.each([
  [90, 64],
  [300, 4],
  [65, 64],
])('of %d names of %d characters no more go in than the room that there is', (count, length) => {
  const claimed = claimedRoles(named(count, length));
  expect(size(claimed)).toBeLessThanOrEqual(size(LARGEST_ROLES));
  expect(claimed.length).toBeLessThanOrEqual(256);
  expect(claimed.length).toBeGreaterThanOrEqual(Math.min(count, 64));
});

test('admin is never the one that is left out', () => {
  const roles = [...named(90, 64), 'admin'].map((name) => name.replace(/^r/, 'a')).sort();
  expect(claimedRoles(roles)).toContain('admin');
  expect(claimedRoles(roles)).toEqual([...claimedRoles(roles)].sort());
});
