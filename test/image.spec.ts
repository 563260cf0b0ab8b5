import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';

/** The Dockerfile, held to the files and commands that it names: no engine is needed to find them missing. */
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const dockerfile = read('Dockerfile');
const { scripts, dependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<
  string,
  Record<string, string>
>;

/** What each line of an instruction says; the last stage alone where that is asked for. */
function instructions(name: string, text = dockerfile): string[] {
  return [...text.matchAll(new RegExp(`^${name} (.+)$`, 'gm'))].map(([, rest = '']) => rest);
}
const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

it('copies files that are there and that the context lets through', () => {
  const sources = instructions('COPY')
    .filter((line) => !line.startsWith('--from='))
    .flatMap((line) => line.split(' ').slice(0, -1));
  const allowed = read('.dockerignore')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  expect([...sources, ...allowed].filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  const isAllowed = (file: string) => allowed.some((name) => file === name || file.startsWith(`${name}/`));
  expect(sources.filter((file) => file !== '.' && !isAllowed(file))).toEqual([]);
  expect(allowed).toEqual(expect.arrayContaining(['src', 'migrations', 'client', 'web', 'tsconfig.build.json']));
});

it('leaves out of its context whatever may hold a secret', () => {
  const [first] = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  expect(read('.dockerignore')).not.toMatch(/^!\.(env|data)/m);
  expect(dockerfile).not.toMatch(/SECRET=|PASSWORD=|DATABASE_URL=|^ARG /m);
});

it('starts as the package does, in production, as a user without rights', () => {
  const command = JSON.parse(instructions('CMD', lastStage).at(-1) ?? '') as string[];
  expect(`exec ${command.join(' ')}`).toBe(scripts?.['start:prod']);
  expect(existsSync(join(ROOT, command.at(-1) ?? ''))).toBe(true);
  expect(lastStage).toMatch(/^ENV NODE_ENV=production/m);
  expect(instructions('USER', lastStage)).toEqual(['node']);
});

describe('its health check', () => {
  const [program = '', ...options] = JSON.parse(/HEALTHCHECK .*?CMD (\[.+\])$/m.exec(lastStage)?.[1] ?? '') as string[];
  /** Runs the very command; its exit code. */
  const check = (PORT: string) =>
    new Promise<number>((resolve) => {
      const env = { PATH: process.env.PATH, PORT };
      execFile(program, options, { env }, (error) => resolve(error ? Number(error.code) : 0));
    });
  let database: TestDatabase;
  let gatehouse: Gatehouse;

  beforeAll(async () => {
    database = await createDatabase();
    gatehouse = await Gatehouse.start({ DATABASE_URL: database.url });
  });

  afterAll(async () => {
    await gatehouse?.stop();
    await database?.drop();
  });

  it('is well beside a server that is ready, and not beside none', async () => {
    expect(await check(new URL(gatehouse.url).port)).toBe(0);
    expect(await check('1')).toBe(1);
  });
});

it('needs no package at run time that is for development only', () => {
  const built = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => /^(src|migrations)\//.test(path) && path.endsWith('.js'),
  );
  expect(built.length).toBeGreaterThan(100);
  const imported = built.flatMap((path) => ts.preProcessFile(read(join('dist', path)), true, true).importedFiles);
  const packages = imported
    .map(({ fileName }) => fileName)
    .filter((name) => !/^(\.|node:)/.test(name) && !builtinModules.includes(name))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
  const installed = Object.keys({ ...dependencies, ...optionalDependencies });
  expect([...new Set(packages)].filter((name) => !installed.includes(name))).toEqual([]);
  expect(packages).toContain('fastify');
});
