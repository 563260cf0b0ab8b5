import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PAGE_PATHS } from '../src/web/page-paths.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { APP_SECRET } from './support/server.js';
import type { Problem } from './support/users.js';

/**
 * test/routes.txt has every route of the server with its access rule. It fails here when a route appears, goes away or
 * asks less; then the line in that file is the decision, for somebody to read (ASVS 5.0 V8.3.1, V4.1.4).
 */

const SNAPSHOT = fileURLToPath(new URL('./routes.txt', import.meta.url));
const DOCUMENTED = readFileSync(new URL('../docs/routes.txt', import.meta.url), 'utf8');
const LIST = fileURLToPath(new URL('./support/list-routes.js', import.meta.url));

interface Listed {
  /** As Fastify prints them. */
  tree: string;
  /** What the handler of a method and path asks, in words; null where it says nothing. */
  access: Record<string, string | null>;
}

let database: TestDatabase;
const { gatehouse } = Gatehouse.shared();
/** Every route of the server, as Fastify has it. */
let all: { method: string; path: string }[];
let routes: { method: string; path: string; access: string }[];

beforeAll(async () => {
  database = await createDatabase();
  const env = { PATH: process.env.PATH, DATABASE_URL: database.url, APP_SECRET };
  const { tree, access } = JSON.parse((await promisify(execFile)(process.execPath, [LIST], { env })).stdout) as Listed;
  all = routesOf(tree);
  const api = all.filter(({ method, path }) => !(method === 'GET' && isOfPage(path)));
  routes = api.map(({ method, path }) => {
    const key = `${method} ${path}`;
    // A handler that is none of Nest's has no guard before it: the files of the documentation.
    return { method, path, access: key in access ? (access[key] ?? 'NOTHING') : 'no guard' };
  });
});
afterAll(async () => {
  await database?.drop();
});

/** The page and its files: for everybody, read only, and named anew with each build. test/page.spec.ts tries them. */
function isOfPage(path: string): boolean {
  const pages: readonly string[] = Object.values(PAGE_PATHS);
  return pages.includes(path) || path.startsWith('/assets/') || ['/icon.svg', '/theme.js'].includes(path);
}

/** Reads Fastify's tree, where each line adds to the path of the line it hangs from. HEAD goes with GET. */
function routesOf(tree: string): { method: string; path: string }[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const match = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/u.exec(line);
    if (!match) return [];
    const [, indent = '', part = '', methods = ''] = match;
    const depth = indent.length / 4;
    parents[depth] = (depth > 0 ? (parents[depth - 1] ?? '') : '') + part;
    const all = methods.split(', ').filter(Boolean);
    expect(all.includes('HEAD')).toBe(all.includes('GET'));
    return all.filter((method) => method !== 'HEAD').map((method) => ({ method, path: parents[depth] ?? '' }));
  });
}

test('every route stands in routes.txt with its access rule', () => {
  const lines = routes
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.method < b.method ? -1 : 1))
    .map(({ method, path, access }) => `${method.padEnd(7)}${path.padEnd(40)}${access}`);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines).toEqual(readFileSync(SNAPSHOT, 'utf8').trimEnd().split('\n'));
});

test('docs/routes.txt has every route of the server, and none that it has not', () => {
  const stated = DOCUMENTED.trimEnd().split('\n').slice(1);
  const forms = stated.map((line) => {
    const [method, path = ''] = line.split(/\s+/);
    return { method, path, form: new RegExp(`^${path.replaceAll('.', '\\.').replace('*', '.*')}$`) };
  });
  const isStated = ({ method, path }: { method: string; path: string }) =>
    forms.some(({ method: stated, form }) => stated === method && form.test(path));
  expect(all.filter((route) => !isStated(route))).toEqual([]);
  expect(forms.filter(({ method, form }) => !all.some((one) => one.method === method && form.test(one.path)))).toEqual(
    [],
  );
});

test('every route says whom it is for, and none of the API stands outside the guards', () => {
  expect(routes.filter(({ access }) => access === 'NOTHING')).toEqual([]);
  const outside = routes.filter(({ access }) => access === 'no guard').map(({ path }) => path);
  expect(outside.filter((path) => path !== '/openapi.json' && path !== '/docs' && !path.startsWith('/docs/'))).toEqual(
    [],
  );
});

test('what the list says is how the server behaves: nobody gets further without a token than it says', async () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const { method, path, access } of routes) {
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: {} } : {};
    const { status, text } = await gatehouse.call<Problem>(method, path.replace(/:\w+/g, id).replace('*', 'x'), body);
    const refused = status === 401 && text.includes('"code":"unauthorized"');
    const mustRefuse = !['public', 'no guard'].includes(access);
    expect({ method, path, refused }).toEqual({ method, path, refused: mustRefuse });
  }
});
