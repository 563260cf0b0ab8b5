import fc from 'fast-check';
import { decodableUrl, requestId } from './requests.js';

const urlOf = (url: string) => decodableUrl({ url } as never);
const idOf = (value: string | string[] | undefined) => requestId({ headers: { 'x-request-id': value } } as never);

test('the path can be decoded, whatever came, and a good address stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('%', '2', 'f', 'F', 'z', 'e', '0', '/', '?', 'a', '.') }), (text) => {
      const path = urlOf(`/${text}`).split('?')[0] ?? '';
      expect(() => decodeURIComponent(path)).not.toThrow();
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['/a', '/a'],
  ['/a%20b?c=%zz', '/a%20b?c=%zz'],
  ['/%zz', '/%25zz'],
  ['/%61%', '/%2561%25'],
  ['/%ff?x=%41', '/%25ff?x=%41'],
  ['/%e2%82%ac', '/%e2%82%ac'],
  ['/%?a?b', '/%25?a?b'],
])('%s is looked up as %s', (url, looked) => {
  expect(urlOf(url)).toBe(looked);
});

test('only a proper request id is kept', () => {
  for (const id of ['a', 'A-b_c.d:e', 'x'.repeat(128)]) expect(idOf(id)).toBe(id);
  for (const id of [undefined, '', ' ', 'a b', 'x'.repeat(129), 'a\n', '{}', ['a', 'b'], 'é'])
    expect(idOf(id)).toMatch(/^[\w-]{12}\.[0-9a-z]+$/);
});
