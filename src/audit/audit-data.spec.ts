import fc from 'fast-check';
import { boundedData } from './audit-data.js';

const ids = (count: number) =>
  Array.from({ length: count }, (_, n) => `0193a1b2-0000-7000-8000-${String(n).padStart(12, '0')}`);

test('what is usual stays as it is', () => {
  const data = { roles: ['admin', 'user'], before: [], sessionId: ids(1)[0], revoked: 3, reason: undefined };
  expect(boundedData(data)).toEqual(data);
  expect(boundedData({ sessionIds: ids(100) })).toEqual({ sessionIds: ids(100) });
});

test('of a hundred thousand ids a hundred are named, and how many there were', () => {
  expect(boundedData({ userIds: ids(100_000), role: 'editor' })).toEqual({
    userIds: ids(100),
    userIdsCount: 100_000,
    role: 'editor',
  });
});

test('of many long names as many are named as fit', () => {
  const roles = Array.from({ length: 5_000 }, (_, n) => `${n}`.padEnd(900, 'x'));
  expect(boundedData({ roles, before: ['user'] })).toEqual({
    roles: roles.slice(0, 10),
    rolesCount: 5_000,
    before: ['user'],
  });
});

test('of a long text the beginning is kept', () => {
  expect(boundedData({ reason: 'x'.repeat(100_000) })).toEqual({ reason: `${'x'.repeat(1_000)}…` });
});

test('whatever is said, it is no more than 16 KiB, and it is JSON', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.oneof(fc.array(fc.string(), { maxLength: 300 }), fc.string(), fc.jsonValue())),
      fc.constantFrom(1, 100, 20_000),
      (data, times) => {
        const grown = Object.fromEntries(
          Object.entries(data).map(([name, value]) => [name, typeof value === 'string' ? value.repeat(times) : value]),
        );
        expect(Buffer.byteLength(JSON.stringify(boundedData(grown)))).toBeLessThanOrEqual(16 * 1024);
      },
    ),
    { numRuns: 300 },
  );
  expect(JSON.stringify(boundedData({ deep: { lists: ids(10_000) } })).length).toBeLessThan(16 * 1024);
});
