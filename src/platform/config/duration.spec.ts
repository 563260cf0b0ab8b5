import fc from 'fast-check';
import { parseDuration } from './duration.js';

test.each([
  ['0s', 0],
  ['1ms', 1],
  ['10s', 10_000],
  ['15m', 900_000],
  ['2h', 7_200_000],
  ['30d', 2_592_000_000],
  [' 5s ', 5_000],
  ['007s', 7_000],
  ['999999999d', 999_999_999 * 86_400_000],
])('%j is %d ms', (text, value) => {
  expect(parseDuration(text)).toBe(value);
});

test.each([
  '',
  '15',
  '1.5h',
  '-1s',
  '+1s',
  '1 s',
  '1S',
  '15min',
  '1w',
  's',
  '1s1',
  '1h30m',
  '1e3s',
  '0x1s',
  '١s',
  '1234567890s',
  'Infinitys',
])('%j is none: above all a number without its unit', (text) => {
  expect(parseDuration(text)).toBeNull();
});

test('any text is a duration or none, and never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const value = parseDuration(text);
      expect(value === null || (Number.isSafeInteger(value) && value >= 0)).toBe(true);
    }),
  );
});
