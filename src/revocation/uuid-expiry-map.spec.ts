import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { newId } from '../platform/common/id.js';
import { UuidExpiryMap } from './uuid-expiry-map.js';

/** Few ids that differ little, so that they meet in the same slots. */
const ids = Array.from(
  { length: 24 },
  (_, i) => `01890a5d-ac96-774b-bcce-b302099a${(i * 0x100).toString(16).padStart(4, '0')}`,
);
ids.push(
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '01890a5d-ac96-774b-0000-000000000000',
);
const id = fc.constantFrom(...ids);

type Step =
  | { kind: 'set'; id: string; value: number; life: number }
  | { kind: 'wait'; seconds: number }
  | { kind: 'fill'; count: number; life: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      id,
      value: fc.nat(0xffffffff),
      life: fc.integer({ min: -2, max: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill' as const), count: fc.nat(900), life: fc.nat(30) }) },
);

test('says what a Map of the same entries says, while they lapse and the table grows', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let now = 1000;
      const table = new UuidExpiryMap(() => now);
      const model = new Map<string, { value: number; lapses: number }>();
      const put = (key: string, value: number, lapses: number) => {
        table.set(key, value, lapses);
        model.set(key, { value, lapses });
      };
      for (const move of steps) {
        if (move.kind === 'set') put(move.id, move.value, now + move.life);
        else if (move.kind === 'wait') now += move.seconds;
        else for (let i = 0; i < move.count; i++) put(newId(), i, now + move.life);
        for (const [key, { value, lapses }] of [...model].slice(-20)) {
          expect(table.get(key)).toBe(lapses >= now ? value : undefined);
        }
        for (const key of ids) {
          const known = model.get(key);
          expect(table.get(key)).toBe(known && known.lapses >= now ? known.value : undefined);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('capital letters are the same id', () => {
  const table = new UuidExpiryMap(() => 1);
  const key = newId();
  table.set(key.toUpperCase(), 7, 10);
  expect(table.get(key)).toBe(7);
});

test('what has lapsed takes no room for ever: a table that is filled again and again stays small', () => {
  let now = 1000;
  const table = new UuidExpiryMap(() => now);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 2000; i++) table.set(newId(), 1, now + 10);
    now += 11;
  }
  expect(table.bytes).toBeLessThan(2 * 4096 * 2 * 24);
});

test('a million entries are found again, at 100 bytes each at most, by its own count and by that of the process', () => {
  const table = new UuidExpiryMap(() => 1);
  const before = process.memoryUsage();
  const sample: string[] = [];
  for (let i = 0; i < 1_000_000; i++) {
    const key = randomUUID();
    if (i % 1000 === 0) sample.push(key);
    table.set(key, i, 1000);
  }
  const { arrayBuffers } = process.memoryUsage();
  expect(table.bytes / 1_000_000).toBeLessThanOrEqual(100);
  expect((arrayBuffers - before.arrayBuffers) / 1_000_000).toBeLessThanOrEqual(100);
  expect(sample.map((key) => table.get(key))).toEqual(sample.map((_, i) => i * 1000));
  expect(table.get(randomUUID())).toBeUndefined();
});

test.each([1024, 92_000, 184_000])('never more than 100 bytes an entry at %d entries', (count) => {
  const table = new UuidExpiryMap(() => 1);
  for (let i = 0; i < count; i++) {
    // A counter in place of random ids: the worst that a table with linear probing can be given.
    table.set(`00000000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`, i, 1000);
  }
  expect(table.bytes / count).toBeLessThanOrEqual(100);
});

test('gives back every entry that has not lapsed, in its canonical spelling', () => {
  let now = 10;
  const map = new UuidExpiryMap(() => now);
  const ids = Array.from({ length: 500 }, () => randomUUID());
  ids.forEach((id, index) => void map.set(id, index, index % 2 === 0 ? 20 : 40));
  expect(new Map(map.entries())).toEqual(new Map(ids.map((id, index) => [id, index])));
  now = 30;
  expect(new Map(map.entries())).toEqual(new Map(ids.flatMap((id, index) => (index % 2 ? [[id, index]] : []))));
});
