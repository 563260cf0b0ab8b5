import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes clients from the document of a running server by generators that others use, and compiles them without an error
 * allowed: `node scripts/generate-clients.js http://localhost:3000`. The generators come from the npm registry, for this
 * run alone. docs/clients.md says which were tried.
 */

const PACKAGES = [
  'openapi-typescript@7.13.0',
  '@hey-api/openapi-ts@0.95.0',
  'orval@7.13.2',
  'swagger-typescript-api@13.13.0',
  'typescript@5.9.3',
];

/** What each is told, and where its client then is. */
const GENERATORS = {
  'openapi-typescript': ['openapi.json', '-o', 'openapi-typescript/client.ts'],
  'openapi-ts': ['-i', 'openapi.json', '-o', 'openapi-ts', '-c', '@hey-api/client-fetch'],
  orval: ['--input', 'openapi.json', '--output', 'orval/client.ts', '--client', 'fetch'],
  'swagger-typescript-api': ['generate', '-p', 'openapi.json', '-o', 'swagger-typescript-api', '-n', 'client.ts'],
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
const run = (/** @type {string} */ program, /** @type {string[]} */ args) =>
  execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });

try {
  const answer = await fetch(`${process.argv[2] ?? 'http://localhost:3000'}/openapi.json`);
  writeFileSync(join(folder, 'openapi.json'), await answer.text());
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', ...PACKAGES]);
  for (const [name, args] of Object.entries(GENERATORS)) {
    run(join('node_modules', '.bin', name), args);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: STRICT, include: [name] }));
    run(join('node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.json']);
    process.stdout.write(`${name}: compiles\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
