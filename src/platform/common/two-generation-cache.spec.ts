import fc from 'fast-check';
import { TwoGenerationCache } from './two-generation-cache.js';

const SIZE = 8;
const key = fc.constantFrom(...'abcdefghijklmnopqrst');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
);

test('holds the last value of a key or nothing, and surely what was used among the last few', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const cache = new TwoGenerationCache<number>(SIZE);
      const model = new Map<string, number>();
      /** Most recently used last. */
      let used: string[] = [];
      for (const move of steps) {
        if (move.kind === 'clear') {
          cache.clear();
          model.clear();
          used = [];
          continue;
        }
        used = used.filter((other) => other !== move.key);
        if (move.kind === 'set') {
          cache.set(move.key, move.value);
          model.set(move.key, move.value);
          used.push(move.key);
        } else if (move.kind === 'delete') {
          cache.delete(move.key);
          model.delete(move.key);
        } else {
          const found = cache.get(move.key);
          if (found !== undefined) used.push(move.key);
          expect([undefined, model.get(move.key)]).toContain(found);
        }
        const last = used.at(-1);
        if (last !== undefined) expect(cache.get(last)).toBe(model.get(last));
      }
    }),
  );
});

test('keeps at least half of its size of what was used last, and never more than its size', () => {
  const cache = new TwoGenerationCache<number>(SIZE);
  for (let i = 0; i < 100; i++) cache.set(`${i}`, i);
  const recent = ['96', '97', '98', '99'].map((name) => cache.get(name));
  expect(recent).toEqual([96, 97, 98, 99]);
  const held = Array.from({ length: 100 }, (_, i) => i).filter((i) => cache.get(`${i}`) !== undefined);
  expect(held.length).toBeLessThanOrEqual(SIZE);
});

test('what is used stays, however much else comes', () => {
  const cache = new TwoGenerationCache<number>(SIZE);
  cache.set('used', 1);
  for (let i = 0; i < 100; i++) {
    cache.set(`${i}`, i);
    expect(cache.get('used')).toBe(1);
  }
});

test('what is deleted is gone from both generations, and stays gone', () => {
  const cache = new TwoGenerationCache<number>(SIZE);
  cache.set('a', 1);
  for (const name of ['b', 'c', 'd']) cache.set(name, 0);
  cache.set('a', 2);
  cache.delete('a');
  expect(cache.get('a')).toBeUndefined();
});
