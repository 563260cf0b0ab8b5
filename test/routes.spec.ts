import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ManifestRoute } from '../src/access/route-manifest.js';
import { PAGE_PATHS } from '../src/web/page-paths.js';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { APP_SECRET } from './support/server.js';
import type { Problem } from './support/users.js';

/**
 * The manifest, which docs/routes.txt prints, is read from decorators. What Fastify serves is read from Fastify here, so that
 * no route stands beside the manifest, and none in it alone (ASVS 5.0 V8.3.1, V4.1.4).
 */
interface Served {
  method: string;
  path: string;
}

const PROGRAM = fileURLToPath(new URL('./support/served-routes.js', import.meta.url));

let database: TestDatabase;
const { gatehouse } = Gatehouse.shared();
let served: Served[];
let manifest: ManifestRoute[];
/** The paths of the manifest that are files, for everybody and without a guard before them. */
let files: string[];

beforeAll(async () => {
  database = await createDatabase();
  const env = { PATH: process.env.PATH, DATABASE_URL: database.url, APP_SECRET };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { env });
  const printed: { tree: string; manifest: ManifestRoute[]; files: string[] } = JSON.parse(stdout);
  ({ manifest, files } = printed);
  served = parseTree(printed.tree);
});

afterAll(async () => {
  await database?.drop();
});

/** Reads Fastify's tree, where each line adds to the path of the line it hangs from. HEAD goes with GET. */
function parseTree(tree: string): Served[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const match = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/u.exec(line);
    if (!match) return [];
    const [, indent = '', part = '', list = ''] = match;
    const depth = indent.length / 4;
    parents[depth] = (depth > 0 ? (parents[depth - 1] ?? '') : '') + part;
    const methods = list.split(', ').filter(Boolean);
    expect(methods.includes('HEAD')).toBe(methods.includes('GET'));
    return methods.filter((method) => method !== 'HEAD').map((method) => ({ method, path: parents[depth] ?? '' }));
  });
}

const nameOf = ({ method, path }: Served) => `${method} ${path}`;
/** Whether a path that is served is a file of the page or the documentation. */
const isFile = ({ method, path }: Served, among = files) => method === 'GET' && among.some((file) => fits(file, path));
const fits = (file: string, path: string) =>
  new RegExp(`^${file.replaceAll('.', '\\.').replace('*', '.*')}$`).test(path);

test('what is served is what the manifest says, neither more nor less', () => {
  expect(served.length).toBeGreaterThan(40);
  const api = served.filter((route) => !isFile(route));
  const declared = manifest.filter(({ path }) => !files.includes(path));
  expect(declared.length).toBeGreaterThan(30);
  expect(api.map(nameOf).sort()).toEqual(declared.map(nameOf).sort());
  expect(files.filter((file) => !served.some((route) => isFile(route, [file])))).toEqual([]);
});

test('docs/routes.txt is what `npm run --silent cli -- routes` prints', () => {
  const lines = readFileSync(new URL('../docs/routes.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1);
  expect(lines.map((line) => line.split(/\s+/, 2).join(' '))).toEqual(manifest.map(nameOf));
});

test('every route says whom it is for, and none of the API stands outside the guards', () => {
  expect(manifest.filter(({ access }) => access === null).map(nameOf)).toEqual([]);
  const pages: readonly string[] = Object.values(PAGE_PATHS);
  const others = ['/assets/*', '/docs', '/docs/*', '/icon.svg', '/openapi.json', '/theme.js'];
  expect(files.filter((file) => !pages.includes(file)).sort()).toEqual(others);
});

test('what the list says is how the server behaves: nobody gets further without a token than it says', async () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const route of served) {
    const { method, path } = route;
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: {} } : {};
    const { status, text } = await gatehouse.call<Problem>(method, path.replace(/:\w+/g, id).replace('*', 'x'), body);
    const refused = status === 401 && text.includes('"code":"unauthorized"');
    const rule = isFile(route) ? null : manifest.find((known) => nameOf(known) === nameOf(route))?.access;
    const mustRefuse = !isFile(route) && rule?.kind !== 'public';
    expect({ method, path, refused }).toEqual({ method, path, refused: mustRefuse });
  }
});
