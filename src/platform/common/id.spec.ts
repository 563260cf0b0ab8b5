import fc from 'fast-check';
import { firstIdAt, isId, newId } from './id.js';

test('ids made later sort later, and every one is canonical', () => {
  const ids = Array.from({ length: 2000 }, newId);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every(isId)).toBe(true);
});

test.each([
  '',
  'x',
  '01890A5D-AC96-774B-BCCE-B302099A8057',
  '01890a5dac96774bbcceb302099a8057',
  '{01890a5d-ac96-774b-bcce-b302099a8057}',
  '01890a5d-ac96-774b-bcce-b302099a8057\n',
  ' 01890a5d-ac96-774b-bcce-b302099a8057',
  '01890a5d-ac96-774b-bcce-b302099a805',
  '01890a5d-ac96-774b-bcce-b302099a805g',
])('%j is no id', (text) => {
  expect(isId(text)).toBe(false);
});

test('the first id of a moment lies after all ids before it and before all ids of it', () => {
  const before = Date.now();
  const id = newId();
  expect(firstIdAt(before) <= id).toBe(true);
  expect(firstIdAt(Date.now() + 1) > id).toBe(true);
  fc.assert(
    fc.property(fc.nat(2 ** 31), fc.nat(2 ** 31), (a, b) => {
      const [early, late] = [a * 1000, b * 1000];
      expect(isId(firstIdAt(early))).toBe(true);
      expect(Math.sign(early - late)).toBe(firstIdAt(early) < firstIdAt(late) ? -1 : early === late ? 0 : 1);
    }),
  );
  expect(isId(firstIdAt(-5))).toBe(true);
});
