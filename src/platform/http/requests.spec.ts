import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { decodableUrl, requestId, routableUrl } from './requests.js';
import { RouteTable } from './route-table.js';

/** The path that a request is routed by, and its host. */
function placeOf(url: string) {
  // All that is read of a request, or written.
  const request = { url, headers: { host: 'of.header' } } as IncomingMessage;
  return [decodableUrl(request), request.headers.host];
}
const urlOf = (url: string) => placeOf(url)[0] ?? '';
const idOf = (value: string | string[] | undefined) => requestId({ headers: { 'x-request-id': value } } as never);

test.each([
  ['http://a.example:80/b?c=http://d/e', '/b?c=http://d/e', 'a.example:80'],
  ['HTTPS://a.example', '/', 'a.example'],
  ['http://a.example?b', '/?b', 'a.example'],
  ['http:///b', '/b', ''],
  ['/b', '/b', 'of.header'],
  ['//a.example/b', '//a.example/b', 'of.header'],
  ['*', '*', 'of.header'],
])('%s is a request for %s at %s (RFC 9112, 3.2.2)', (url, path, host) => expect(placeOf(url)).toEqual([path, host]));

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

/** Where a request is looked for under a `PUBLIC_URL` with this path. */
function routed(basePath: string, url: string): string {
  const routes = new RouteTable();
  for (const path of ['/', '/v1/users', '/admin/users']) routes.add({ url: path, method: 'GET' });
  return routableUrl(basePath, routes)({ url } as IncomingMessage);
}

it.each([
  ['/auth', '/auth', '/'],
  ['/auth', '/auth/', '/'],
  ['/auth', '/auth?x=1', '/?x=1'],
  ['/auth', '/auth/v1/users?x=1', '/v1/users?x=1'],
  ['/a/b', '/a/b/v1/users', '/v1/users'],
  ['/auth', '/v1/users', '/v1/users'],
  ['/auth', '/authors', '/authors'],
  ['/auth', '/auth/%zz', '/%25zz'],
  ['/admin', '/admin/users', '/admin/users'],
  ['', '/auth/v1/users', '/auth/v1/users'],
])('under %j a request for %s is one for %s', (basePath, url, path) => {
  expect(routed(basePath, url)).toBe(path);
});
