import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createContext, SourceTextModule } from 'node:vm';
import ts from 'typescript';

/** The client as an app gets it: packed by npm, installed into a folder of its own. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The file that a bundler picks. */
const OPENAPI_FETCH = join(ROOT, 'node_modules/openapi-fetch/dist/index.mjs');
const run = promisify(execFile);
let app: string;
let tarball: string;

/** The code of an app; its types must find a mistake in it. */
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

/** An app's whole life: a sign-in, a token that the server no longer takes, a new password and a sign-out. */
const APP = `
  import { Gatehouse, MemoryStore, unwrap } from '@gatehouse/client';

  const answer = (status, type, body) =>
    new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });
  const sent = [];
  let issued = 0;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const token = request.headers.get('authorization')?.slice(7) ?? '-';
    sent.push([request.url.slice('https://auth.example.com/v1'.length), token, await request.text()].join(' ').trim());
    if (token === 'a1') return answer(401, 'application/problem+json', { code: 'token_stale', status: 401 });
    if (request.url.endsWith('/me')) return answer(200, 'application/json', { email: 'ada@example.com' });
    const n = ++issued;
    const session = { id: 's', expiresAt: '' };
    return answer(200, 'application/json', { accessToken: 'a' + n, refreshToken: 'r' + n, expiresIn: 900, session });
  };
  const gatehouse = new Gatehouse({ baseUrl: 'https://auth.example.com', store: new MemoryStore() });
  await gatehouse.signIn({ email: 'ada@example.com', password: 'x' });
  const { email } = await unwrap(gatehouse.api.GET('/v1/users/me'));
  await gatehouse.requestTokens('/v1/users/me/password', { currentPassword: 'x', newPassword: 'y' });
  await gatehouse.signOut();
  console.log([email, gatehouse.session.status, ...sent].join('\\n'));
`;

/** What the app asks for meanwhile, with which token. */
const LIFE = [
  'ada@example.com',
  'signed-out',
  '/auth/login - {"email":"ada@example.com","password":"x"}',
  '/users/me a1',
  '/auth/refresh - {"refreshToken":"r1"}',
  '/users/me a2',
  '/users/me/password a2 {"currentPassword":"x","newPassword":"y"}',
  '/auth/logout a3',
];

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'gatehouse-app-'));
  const packed = ['pack', '--ignore-scripts', '--json', '--pack-destination', app];
  const { stdout } = await run('npm', packed, { cwd: join(ROOT, 'client') });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  tarball = join(app, filename);
  await run('tar', ['-xzf', tarball, '-C', app]);
  await mkdir(join(app, 'node_modules/@gatehouse'), { recursive: true });
  await rename(join(app, 'package'), join(app, 'node_modules/@gatehouse/client'));
  // npm would install it next to the client.
  await symlink(join(ROOT, 'node_modules/openapi-fetch'), join(app, 'node_modules/openapi-fetch'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
  await writeFile(join(app, 'app.ts'), CONSUMER);
  await writeFile(join(app, 'app.js'), APP);
});

afterAll(async () => {
  if (app) await rm(app, { recursive: true });
});

it('contains the build with its types, the README and the licence, and nothing else', async () => {
  const inside = join(app, 'node_modules/@gatehouse/client');
  expect((await readdir(inside)).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
  expect((await readdir(join(inside, 'dist'))).filter((name) => !/\.(js|d\.ts)$/.test(name))).toEqual([]);
});

it('has the version of the server, also in the lock', async () => {
  const read = async (name: string) => JSON.parse(await readFile(join(ROOT, name), 'utf8'));
  const [server, client, lock] = await Promise.all(
    ['package.json', 'client/package.json', 'package-lock.json'].map(read),
  );
  expect([client.version, lock.version, lock.packages.client.version]).toEqual(Array(3).fill(server.version));
});

/** Runs a checker of packages on the tarball; its complaints, if any. */
const complaintsOf = (name: string, ...options: string[]) =>
  run(join(ROOT, 'node_modules/.bin', name), [...options, tarball]).then(
    () => '',
    ({ stdout, stderr }) => stdout + stderr,
  );

it('passes publint, warnings included', async () => {
  expect(await complaintsOf('publint', '--strict')).toBe('');
});

it('has types that resolve for every ES module consumer', async () => {
  expect(await complaintsOf('attw', '--profile', 'esm-only')).toBe('');
});

it('runs in Node', async () => {
  const { stdout } = await run(process.execPath, ['app.js'], { cwd: app });
  expect(stdout.trim().split('\n')).toEqual(LIFE);
});

/** A body of React Native's fetch, a polyfill (whatwg-fetch): no stream, and readable once. */
class Body {
  bodyUsed = false;

  constructor(readonly kept?: string) {}

  async text(): Promise<string> {
    if (this.bodyUsed) throw new TypeError('Already read');
    this.bodyUsed = true;
    return this.kept ?? '';
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

class NativeRequest extends Body {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;

  constructor(input: string | NativeRequest, { body, method, headers }: { body?: string } & RequestInit = {}) {
    const from = typeof input === 'string' ? null : input;
    if (from?.bodyUsed) throw new TypeError('Already read');
    super(body ?? from?.kept);
    if (from && body === undefined && from.kept !== undefined) from.bodyUsed = true;
    this.url = from?.url ?? String(input);
    this.method = method ?? from?.method ?? 'GET';
    this.headers = new Headers(headers ?? from?.headers);
  }

  clone(): NativeRequest {
    return new NativeRequest(this, { body: this.kept });
  }
}

class NativeResponse extends Body {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;

  constructor(body?: string, { status = 200, headers }: ResponseInit = {}) {
    super(body);
    this.status = status;
    this.ok = status < 300;
    this.headers = new Headers(headers);
  }

  clone(): NativeResponse {
    return new NativeResponse(this.kept, this);
  }
}

it('runs in React Native, which has no page, locks, channel, storage or crypto, and bodies that are no streams', async () => {
  const lines: string[] = [];
  const context = createContext({
    Request: NativeRequest,
    Response: NativeResponse,
    Headers,
    FormData,
    URLSearchParams,
    AbortController,
    setTimeout,
    clearTimeout,
    navigator: { product: 'ReactNative' },
    console: { log: (line: string) => lines.push(line) },
  });
  const loaded = new Map<string, Promise<SourceTextModule>>();
  const load = (path: string) => {
    const module =
      loaded.get(path) ??
      readFile(path, 'utf8').then((code) => new SourceTextModule(code, { context, identifier: path }));
    loaded.set(path, module);
    return module;
  };
  // Jest would resolve the client to its source.
  const entries = new Map([
    ['openapi-fetch', OPENAPI_FETCH],
    ['@gatehouse/client', join(app, 'node_modules/@gatehouse/client/dist/index.js')],
  ]);
  const main = await load(join(app, 'app.js'));
  await main.link((name, { identifier }) => load(entries.get(name) ?? createRequire(identifier).resolve(name)));
  await main.evaluate();
  expect(lines.join().split('\n')).toEqual(LIFE);
});

const DOM = {
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
};
const NODE = {
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts'],
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
};

it.each([
  ['a bundler and a browser', DOM],
  ['Node', NODE],
])('has types for %s', (_, options) => {
  const compiler = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: [], ...options };
  const program = ts.createProgram([join(app, 'app.ts')], compiler);
  // The type files of TypeScript and Node are not this package's to check.
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(app));
  const found = files.flatMap((file) => ts.getPreEmitDiagnostics(program, file));
  expect(files.length).toBeGreaterThan(5);
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([]);
});
