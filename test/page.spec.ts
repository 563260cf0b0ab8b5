import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { PAGE_PATHS } from '../src/web/page-paths.js';
import { PAGE_PATHS as VIEWS } from '../web/src/page-paths.js';
import { type Api, Gatehouse } from './support/gatehouse.js';
import type { Problem } from './support/users.js';

/** How the page is served: by its own server, under a policy, and only where it is. */
const BUILT = fileURLToPath(new URL('../dist/web/', import.meta.url));
const ROUTES = fileURLToPath(new URL('../docs/routes.txt', import.meta.url));
/** Bytes of script, packed, that the first page may need. */
const BUDGET = 150_000;
let gatehouse: Api;

beforeAll(() => {
  ({ gatehouse } = Gatehouse.shared());
});

it('is served at the addresses of all its views, and at no others', () => {
  expect(PAGE_PATHS).toEqual(VIEWS);
});

it.each(['/', '/sign-in', '/reset-password', '/devices', '/admin/users/some-id'])('is at %s', async (path) => {
  const { status, headers, text } = await gatehouse.call('GET', path);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(headers.get('cache-control')).toBe('no-cache');
  expect(headers.get('content-security-policy')).toBe(
    "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';" +
      "base-uri 'none';form-action 'none';frame-ancestors 'none'",
  );
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(text).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=/);
});

it.each([
  '/nope',
  '/v1/nope',
  '/assets/nope.js',
  '/assets/',
  '/index.html',
  '/admin/users/a/b',
  '/assets/..%2findex.html',
])('is not at %s', async (path) => {
  const { status, headers, body } = await gatehouse.call<Problem>('GET', path, { headers: { accept: 'text/html' } });
  expect([status, body.code]).toEqual([404, 'not_found']);
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(headers.get('content-security-policy')).not.toContain('script-src');
});

it('says itself that there is nothing, to a person who went there in a browser', async () => {
  const headers = { 'sec-fetch-dest': 'document' };
  const { status, headers: said, text } = await gatehouse.call('GET', '/nope', { headers });
  expect([status, said.get('content-type'), said.get('cache-control')]).toEqual([
    404,
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  expect(said.get('content-security-policy')).toContain("script-src 'self'");
  expect(text).toContain('<div id="root">');
  const refused = await gatehouse.call<Problem>('GET', '/v1/nope', { headers });
  expect([refused.status, refused.body.code]).toEqual([404, 'not_found']);
  const post = await gatehouse.call<Problem>('POST', '/nope', { headers });
  expect([post.status, post.body.code]).toEqual([404, 'not_found']);
});

it.each(['GET', 'HEAD'])('is where a password manager is sent to change a password: %s', async (method) => {
  const { status, headers, text } = await gatehouse.call(method, '/.well-known/change-password');
  expect([status, headers.get('location'), text]).toEqual([303, 'http://gatehouse.test/security', '']);
  expect(headers.get('cache-control')).toBe('no-store');
  // By which a password manager knows that an address which is not there is said not to be.
  const { status: none } = await gatehouse.call(
    method,
    '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200',
  );
  expect(none).toBe(404);
});

it('names its files from the root where PUBLIC_URL has no path', async () => {
  const { text } = await gatehouse.call('GET', '/admin/users/some-id');
  const addresses = [...text.matchAll(/(?:src|href|content)="([^"]*\/[^"]*)"/g)].map(([, address]) => address);
  expect(addresses.length).toBeGreaterThan(4);
  for (const address of addresses) expect(address).toMatch(/^\/(?!\/)|^image\//);
});

it('is read only', async () => {
  const { status, headers } = await gatehouse.call('POST', '/devices');
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

it.each(['br', 'gzip'])(
  'has files that are kept for ever, since their names change with them, and packed by %s',
  async (encoding) => {
    const names = (await readdir(`${BUILT}assets`)).filter((file) => !/\.(?:br|gz)$/.test(file));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const { status, headers } = await gatehouse.call('GET', `/assets/${name}`, {
        headers: { 'accept-encoding': encoding },
      });
      expect([name, status, headers.get('cache-control')]).toEqual([name, 200, 'public, max-age=31536000, immutable']);
      expect(headers.get('content-encoding')).toBe(encoding);
      expect(name).toMatch(/-[\w-]{8}\.(?:js|css)$/);
    }
  },
);

it.each(['/theme.js', '/icon.svg'])(
  'has %s under a name that stays, so that it is asked for each time',
  async (path) => {
    const { status, headers } = await gatehouse.call('GET', path);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(headers.get('etag')).not.toBeNull();
  },
);

it('leaves to the server what is the server’s under start:dev, and nothing else', async () => {
  process.env.GATEHOUSE_API = 'http://api.test';
  const { default: config } = await import('../web/vite.config.js');
  const keys = Object.keys(config.server?.proxy ?? {});
  const isServers = (path: string) => keys.some((key) => path.startsWith(key));
  expect(Object.values(PAGE_PATHS).filter(isServers)).toEqual([]);
  const routes = (await readFile(ROUTES, 'utf8')).match(/ \/\S+/g)?.map((path) => path.trim()) ?? [];
  expect(routes.length).toBeGreaterThan(30);
  const pages = new Set([...Object.values(PAGE_PATHS), '/assets/*', '/icon.svg', '/theme.js']);
  expect(routes.filter((path) => !pages.has(path) && !isServers(path))).toEqual([]);
});

it('needs little script before it shows itself, and no chart', async () => {
  const html = await readFile(`${BUILT}index.html`, 'utf8');
  const first = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map(([, file]) => file);
  const packed = await Promise.all(first.map(async (file) => gzipSync(await readFile(BUILT + file)).length));
  const total = packed.reduce((sum, size) => sum + size, 0);
  expect(first.length).toBeGreaterThan(0);
  expect(first.join()).not.toContain('chart');
  expect(total).toBeGreaterThan(10_000);
  expect(total).toBeLessThan(BUDGET);
});
