import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { differences } from './patterns/patterns.js';

/**
 * Makes clients from the document of a running server by generators that others use, compiles them without an error
 * allowed, and has the engines of other languages read the document's patterns:
 * `node scripts/generate-clients.js http://localhost:3000`. The generators come from the npm registry, for this run alone; a
 * language that this machine does not have is left out, and said to be. docs/clients.md says which were tried.
 */

const PACKAGES = [
  'openapi-typescript@7.13.0',
  '@hey-api/openapi-ts@0.95.0',
  'orval@7.13.2',
  'swagger-typescript-api@13.13.0',
  'oazapfts@7.5.0',
  '@oazapfts/runtime@1.2.0',
  'openapi-zod-client@1.18.3',
  '@zodios/core@10.9.6',
  'axios@1.21.1',
  'zod@3.25.76',
  'quicktype@26.0.0',
  'typescript@5.9.3',
];

/** What each is told. Its client is then in the folder of its name. */
const GENERATORS = {
  'openapi-typescript': ['openapi.json', '-o', 'openapi-typescript/client.ts'],
  'openapi-ts': ['-i', 'openapi.json', '-o', 'openapi-ts', '-c', '@hey-api/client-fetch'],
  orval: ['--input', 'openapi.json', '--output', 'orval/client.ts', '--client', 'fetch'],
  'swagger-typescript-api': ['generate', '-p', 'openapi.json', '-o', 'swagger-typescript-api', '-n', 'client.ts'],
  oazapfts: ['openapi.json', 'oazapfts/client.ts'],
  // Patterns come out as literals, which the compiler reads.
  'openapi-zod-client': ['openapi.json', '-o', 'openapi-zod-client/client.ts'],
};

/**
 * The models of quicktype in other languages: what it is told, and what compiles its files.
 * @type {Record<string, { args: string[], compile: string[] }>}
 */
const LANGUAGES = {
  go: { args: ['--package', 'models', '-o', 'go/models.go'], compile: ['go', 'vet'] },
  java: { args: ['--just-types', '-o', 'java/Models.java'], compile: ['javac', '-d', 'classes'] },
  python: { args: ['--just-types', '-o', 'python/models.py'], compile: ['python3'] },
};

const STRICT = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: 'es2022',
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['es2022', 'dom', 'dom.iterable'],
};

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-clients-'));
const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
const run = (/** @type {string} */ program, /** @type {string[]} */ args, at = folder) =>
  execFileSync(program, args, { cwd: at, stdio: ['ignore', 'ignore', 'inherit'] });
const runPackage = (/** @type {string} */ name, /** @type {string[]} */ args) =>
  run(join('node_modules', '.bin', name), args);

/** Generators of models know JSON Schema, and want one root. @param {{ components: { schemas: object } }} document */
function modelsOf({ components: { schemas } }) {
  const $defs = JSON.parse(JSON.stringify(schemas).replaceAll('#/components/schemas/', '#/$defs/'));
  const properties = Object.fromEntries(Object.keys($defs).map((name) => [name, { $ref: `#/$defs/${name}` }]));
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $defs, type: 'object', properties };
}

/** @param {string} name @param {string[]} args */
function makeClient(name, args) {
  mkdirSync(join(folder, name), { recursive: true });
  runPackage(name, args);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: STRICT, include: [name] }));
  runPackage('tsc', ['-p', 'tsconfig.json']);
  say(`${name}: compiles`);
}

/** @param {string} language */
function makeModels(language) {
  const { args: own = [], compile: [program = '', ...args] = [] } = LANGUAGES[language] ?? {};
  mkdirSync(join(folder, language));
  runPackage('quicktype', ['models.json', '-s', 'schema', '-l', language, '--quiet', ...own]);
  try {
    run(program, [...args, ...readdirSync(join(folder, language))], join(folder, language));
    say(`quicktype, ${language}: compiles`);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    say(`quicktype, ${language}: made, but this machine has no ${program}`);
  }
}

try {
  const answer = await fetch(`${process.argv[2] ?? 'http://localhost:3000'}/openapi.json`);
  const document = await answer.json();
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document));
  writeFileSync(join(folder, 'models.json'), JSON.stringify(modelsOf(document)));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', ...PACKAGES]);
  for (const [name, args] of Object.entries(GENERATORS)) makeClient(name, args);
  for (const language of Object.keys(LANGUAGES)) makeModels(language);
  for (const [engine, found] of differences(document)) {
    say(`patterns, ${engine}: ${found === null ? 'not on this machine' : found.join('; ') || 'read alike'}`);
    if (found !== null && found.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
