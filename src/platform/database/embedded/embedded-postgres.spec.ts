import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { clonedBinaries, cloneLauncher, PostgresSandbox } from '../../../../test/support/postgres-sandbox.js';
import { beside, postmasterPid, processList, query } from '../../../../test/support/postgres-view.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { isPostmaster } from './postgres-postmaster.js';

const sandbox = new PostgresSandbox();
const clones = new PostgresSandbox();
let lines: string[] = [];
let tree: string;

beforeAll(() => {
  tree = cloneLauncher(clones.folder());
});
beforeEach(() => {
  lines = [];
});
afterEach(() => sandbox.clear());
afterAll(() => clones.clear());

const start = (dataDir: string) => startEmbeddedPostgres({ dataDir, log: (line) => lines.push(line) });

describe('a first start', () => {
  it('makes a UTF-8 database with checksums, open to nobody without the password', async () => {
    const dataDir = sandbox.dataDir();
    const { url, stop } = await start(dataDir);
    const settings = `SELECT concat_ws(' ', current_database(), current_user, current_setting('server_encoding'),
      current_setting('data_checksums'), current_setting('fsync'), current_setting('listen_addresses'),
      current_setting('max_connections'), current_setting('is_superuser'), lower('ÄÖ'))`;
    expect(await query(url, settings)).toBe('gatehouse gatehouse UTF8 on on 127.0.0.1 200 off äö');
    await query(url, 'CREATE EXTENSION citext');
    await query(url, 'CREATE EXTENSION pg_trgm');

    const password = new URL(url).password;
    for (const wrong of [url.replace(password, 'x'), url.replace('gatehouse:', 'postgres:').replace(password, 'x')])
      await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await expect(query(url, "COPY (SELECT 1) TO PROGRAM 'true'")).rejects.toMatchObject({ code: '42501' });

    expect(processList()).toContain(dataDir);
    expect(processList()).not.toContain(password);
    expect(readFileSync(`${dataDir}.log`, 'utf8')).not.toContain(password);
    expect(lines.join()).not.toContain(password);
    expect(statSync(`${dataDir}.password`).mode & 0o777).toBe(0o600);
    expect(statSync(`${dataDir}.log`).mode & 0o777).toBe(0o600);
    expect(beside(dataDir)).toEqual(['data.log', 'data.password']);

    const pid = await postmasterPid(dataDir);
    await stop();
    await stop();
    expect(await isPostmaster(pid, dataDir)).toBe(false);
    expect(processList()).not.toContain(dataDir);
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
  });

  it('begins anew after one that was killed half way', async () => {
    const dataDir = sandbox.dataDir();
    const told = sandbox.start(tree, dataDir);
    const draft = await poll(() => beside(dataDir).find((name) => name.startsWith('data.init-')));
    await poll(() => existsSync(join(dirname(dataDir), draft, 'PG_VERSION')));
    sandbox.killChildren();
    told.catch(() => undefined);
    expect(existsSync(dataDir)).toBe(false);

    const { url, stop } = await start(dataDir);
    expect(await query(url, 'SELECT 1')).toBe(1);
    await stop();
    expect(beside(dataDir)).toEqual(['data.log', 'data.password']);
  });

  it('repairs library links that npm did not make, also when two processes do it at once', async () => {
    const bare = cloneLauncher(sandbox.folder());
    const libraries = join(clonedBinaries(bare), 'lib');
    const links = readdirSync(libraries).filter((name) => lstatSync(join(libraries, name)).isSymbolicLink());
    const targets = links.map((name) => readlinkSync(join(libraries, name)));
    for (const name of links) rmSync(join(libraries, name));
    const starts = ['one', 'two'].map((name) => sandbox.start(bare, sandbox.dataDir(name)));
    for (const { told } of await Promise.all(starts)) expect(told.error).toBeUndefined();
    expect(links.map((name) => readlinkSync(join(libraries, name)))).toEqual(targets);
  });
});

describe('a later start', () => {
  it('keeps the data, also of a server that was killed, in a folder with spaces and letters of any language', async () => {
    const dataDir = sandbox.dataDir("Gäste haus 门'房");
    const first = await start(dataDir);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await startEmbeddedPostgres({ dataDir, log: (line) => lines.push(line), connections: 234 });
    expect(await query(second.url, 'SELECT answer FROM kept')).toBe(42);
    expect(await query(second.url, `SELECT current_setting('max_connections')`)).toBe('234');

    process.kill(await postmasterPid(dataDir), 'SIGKILL');
    const third = await start(dataDir);
    expect(await query(third.url, 'SELECT answer FROM kept')).toBe(42);
    await third.stop();
    await second.stop();
    expect(processList()).not.toContain(dataDir);
  });

  it('takes over the server of a killed process, which is out of the reach of its terminal', async () => {
    const dataDir = sandbox.dataDir();
    const { child, told } = await sandbox.start(tree, dataDir);
    const pid = await postmasterPid(dataDir);
    const [group, session] = execFileSync('ps', ['-o', 'pgid=,sid=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    expect([group, session]).toEqual([String(pid), String(pid)]);
    child.kill('SIGKILL');
    await once(child, 'exit');

    const { url, stop } = await start(dataDir);
    expect(url).toBe(told.url);
    expect(await postmasterPid(dataDir)).toBe(pid);
    await stop();
    expect(processList()).not.toContain(dataDir);
  });

  it('is not stopped by a stale lock file, nor does its log grow for ever', async () => {
    const dataDir = sandbox.dataDir();
    await (await start(dataDir)).stop();
    truncateSync(`${dataDir}.log`, 2 * 1024 * 1024);
    const reusedNumber = `${process.pid}\n${dataDir}\n1\n5432\n\n127.0.0.1\n0 0\nready\n`;
    const lostInPowerCut = '';
    for (const content of [reusedNumber, lostInPowerCut]) {
      leaveLock(dataDir, content);
      const { url, stop } = await start(dataDir);
      expect(await query(url, 'SELECT 1')).toBe(1);
      await stop();
    }
    expect(statSync(`${dataDir}.log`).size).toBeLessThan(10_000);
  });
});

/** Puts a lock file of long ago there, as the user who runs the server. */
function leaveLock(dataDir: string, content: string): void {
  const lock = join(dataDir, 'postmaster.pid');
  writeFileSync(lock, content, { mode: 0o600 });
  const { uid, gid } = statSync(dataDir);
  chownSync(lock, uid, gid);
  utimesSync(lock, 0, 0);
}

async function poll<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
