import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The client as an app gets it: packed as npm packs it, installed into a folder of its own. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
let app: string;

/** What an app writes; a mistake in it must be found by its types. */
const CONSUMER = `
  import { Gatehouse, GatehouseProblem, MemoryStore, NetworkError, type TokenStore, unwrap } from '@gatehouse/client';

  const store: TokenStore = new MemoryStore();
  export const gatehouse = new Gatehouse({ baseUrl: 'https://auth.example.com', store });
  export const stop: () => void = gatehouse.session.on('sessionEnded', ({ problem }) => console.log(problem.code));

  export async function roles(): Promise<string[]> {
    const me = await unwrap(gatehouse.api.GET('/v1/users/me'));
    // @ts-expect-error: a user has no such property.
    me.password;
    // @ts-expect-error: there is no such route.
    await gatehouse.api.GET('/v1/nope');
    return me.roles;
  }

  export const text = (error: unknown): string =>
    error instanceof GatehouseProblem || error instanceof NetworkError ? error.message : 'unknown';
`;

/** An app's whole life where nothing of a browser is there, as in React Native. */
const BARE = `
  for (const name of ['navigator', 'BroadcastChannel', 'crypto', 'location', 'localStorage', 'structuredClone'])
    delete globalThis[name];
  const { Gatehouse, MemoryStore, unwrap } = await import('@gatehouse/client');
  const paths = [];
  const tokens = { accessToken: 'a', refreshToken: 'r', expiresIn: 0, session: { id: 's', expiresAt: '' } };
  const fetch = async (input, init) => {
    const { pathname } = new URL(new Request(input, init).url);
    paths.push(pathname);
    return Response.json(pathname === '/v1/users/me' ? { email: 'ada@example.com' } : tokens);
  };
  const gatehouse = new Gatehouse({ baseUrl: 'https://auth.example.com', store: new MemoryStore(), fetch });
  await gatehouse.signIn({ email: 'ada@example.com', password: 'x' });
  const { email } = await unwrap(gatehouse.api.GET('/v1/users/me'));
  await gatehouse.signOut();
  console.log(email, gatehouse.session.status, ...paths);
`;

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'gatehouse-app-'));
  const packed = ['pack', '--ignore-scripts', '--json', '--pack-destination', app];
  const { stdout } = await run('npm', packed, { cwd: join(ROOT, 'client') });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await run('tar', ['-xzf', join(app, filename), '-C', app]);
  await mkdir(join(app, 'node_modules/@gatehouse'), { recursive: true });
  await rename(join(app, 'package'), join(app, 'node_modules/@gatehouse/client'));
  // What npm would install beside it.
  await symlink(join(ROOT, 'node_modules/openapi-fetch'), join(app, 'node_modules/openapi-fetch'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  await writeFile(join(app, 'app.ts'), CONSUMER);
  await writeFile(join(app, 'bare.js'), BARE);
});

afterAll(async () => {
  if (app) await rm(app, { recursive: true });
});

it('holds what is built, its types, how to use it and its licence, and nothing else', async () => {
  const inside = join(app, 'node_modules/@gatehouse/client');
  expect((await readdir(inside)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  expect((await readdir(join(inside, 'dist'))).filter((name) => !/\.(js|d\.ts)$/.test(name))).toEqual([]);
});

it('runs in plain Node, and where there is no navigator, crypto, storage or channel', async () => {
  const { stdout } = await run(process.execPath, ['bare.js'], { cwd: app });
  const paths = '/v1/auth/login /v1/auth/refresh /v1/users/me /v1/auth/refresh /v1/auth/logout';
  expect(stdout).toBe(`ada@example.com signed-out ${paths}\n`);
});

it.each([
  ['a bundler and a browser', ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom']],
  ['Node', ['--module', 'nodenext', '--lib', 'es2023', '--types', 'node', '--typeRoots', `${ROOT}node_modules/@types`]],
])('has types for %s', async (_, options) => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const strict = ['--strict', '--noEmit', '--target', 'es2022', ...options, 'app.ts'];
  await expect(run(process.execPath, [tsc, ...strict], { cwd: app })).resolves.toMatchObject({ stdout: '' });
});
