import { cpuTime } from '../../../test/support/cpu-time.js';
import { trimBlanks } from './trim-blanks.js';
import { typedText } from './typed-text.js';

test.each([
  ['a space of a phone’s keyboard', 'ada '],
  ['line ends and tabs of a copied cell', '\tada\r\n'],
  ['a no-break space', '\u00a0ada\u202f'],
  ['a full-width space', '\u3000ada\u3000'],
  ['a byte order mark', '\uFEFFada'],
  ['a space of no width', 'ada\u200b\u2060'],
  ['marks of direction round a copied contact', '\u202aada\u202c'],
  ['isolates', '\u2068ada\u2069'],
])('%s is no part of a name', (_what, text) => {
  expect(trimBlanks(text)).toBe('ada');
});

test('what stands within stays, as does every sign that is seen', () => {
  for (const text of ['a da', 'a\u00a0da', 'a\u200dda', 'á', '.ada-', '＠', '\u0301', '\u00ad', '\u202eada', ''])
    expect(trimBlanks(text)).toBe(text);
  expect(trimBlanks(' \u200b\u3000\n')).toBe('');
});

test('a schema judges what is left', () => {
  expect(typedText.max(3).safeParse(' ada ').data).toBe('ada');
  expect(typedText.min(1).safeParse(' \n').success).toBe(false);
});

test('a text made to be slow is not', async () => {
  const slow = `a${' '.repeat(500_000)}a`;
  expect(await cpuTime(() => void trimBlanks(slow))).toBeLessThan(200);
});
