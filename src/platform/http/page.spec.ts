import fc from 'fast-check';
import { newId } from '../common/id.js';
import { idOfCursor, pageQuery, toPage } from './page.js';

test('the cursor of a page is the id of its last row, and leads back to it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 5 }), (count, limit) => {
      const all = Array.from({ length: count }, () => ({ id: newId() })).sort((a, b) => (a.id < b.id ? 1 : -1));
      const seen: string[] = [];
      for (let from: string | null = '~'; from !== null; ) {
        const before: string = from;
        const rows = all.filter(({ id }) => id < before).slice(0, limit + 1);
        const { items, nextCursor } = toPage(rows, limit);
        expect(items.length).toBeLessThanOrEqual(limit);
        seen.push(...items.map(({ id }) => id));
        from = nextCursor === null ? null : idOfCursor(nextCursor);
      }
      expect(seen).toEqual(all.map(({ id }) => id));
    }),
  );
});

test('no cursor is the first page', () => {
  expect(idOfCursor(undefined)).toBeNull();
});

test('any text that is not of toPage is refused', () => {
  fc.assert(fc.property(fc.string(), (text) => expect(() => idOfCursor(text)).toThrow('invalid_request')));
});

test.each<[unknown, number]>([
  [undefined, 20],
  ['1', 1],
  ['100', 100],
  ['007', 7],
])('limit %j is %d', (limit, value) => {
  expect(pageQuery.parse(limit === undefined ? {} : { limit })).toEqual({ limit: value });
});

test.each([
  '0',
  '101',
  '-1',
  '+1',
  '1.0',
  '1e1',
  '0x10',
  ' 1',
  '1 ',
  '',
  'x',
  'Infinity',
  '٣',
  ['1'],
  ['1', '2'],
  true,
  null,
  {},
])('limit %j is refused', (limit) => {
  expect(pageQuery.safeParse({ limit }).success).toBe(false);
});

test('an unknown parameter is refused', () => {
  expect(pageQuery.safeParse({ offset: '1' }).success).toBe(false);
});
