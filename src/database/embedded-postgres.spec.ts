import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Client } from 'pg';
import { clonedBinaries, cloneLauncher, PostgresSandbox } from '../../test/support/postgres-sandbox.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { findPostmaster, isPostmaster } from './postgres-postmaster.js';

const sandbox = new PostgresSandbox();
const clones = new PostgresSandbox();
const isRoot = process.getuid?.() === 0;
const NAMELESS = { uid: 54321, gid: 54321 };
const ORDINARY = userNamed('daemon');
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

async function query(url: string | undefined, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows?.[0]?.[0];
  } finally {
    await client.end();
  }
}

async function postmasterPid(dataDir: string): Promise<number> {
  const postmaster = await findPostmaster(dataDir);
  if (!postmaster) throw new Error(`no server runs on ${dataDir}`);
  return postmaster.pid;
}

const processList = () => execFileSync('ps', ['-ww', '-eo', 'pid,stat,args'], { encoding: 'utf8' });
const beside = (dataDir: string) =>
  readdirSync(dirname(dataDir)).filter((name) => name !== basename(dataDir) && name.startsWith(basename(dataDir)));

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
    const second = await start(dataDir);
    expect(await query(second.url, 'SELECT answer FROM kept')).toBe(42);

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

describe('two processes on one folder', () => {
  it('share one server, and only the last to stop stops it', async () => {
    const dataDir = sandbox.dataDir();
    const [one, two] = await Promise.all([sandbox.start(tree, dataDir), sandbox.start(tree, dataDir)]);
    expect([one.told.error, two.told.error]).toEqual([undefined, undefined]);
    expect(one.told.url).toBe(two.told.url);
    expect(beside(dataDir)).toEqual(['data.log', 'data.password']);

    one.child.send('stop');
    await once(one.child, 'exit');
    expect(await query(two.told.url, 'SELECT 1')).toBe(1);
    two.child.send('stop');
    await once(two.child, 'exit');
    expect(processList()).not.toContain(dataDir);
  });

  it('do not wait for one that was killed, and leave nothing when they stop at the same moment', async () => {
    const dataDir = sandbox.dataDir();
    const { child } = await sandbox.start(tree, dataDir);
    const both = await Promise.all([start(dataDir), start(dataDir)]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await Promise.all(both.map(({ stop }) => stop()));
    expect(await findPostmaster(dataDir)).toBeUndefined();
  });
});

describe('a folder it cannot use', () => {
  const refusals: [string, (dataDir: string) => void, RegExp][] = [
    [
      'another major version',
      (dir) => makeFile(dir, 'PG_VERSION', '16\n'),
      /written by Postgres 16.*this is Postgres 18/,
    ],
    ['other files', (dir) => makeFile(dir, 'thesis.txt', 'x'), /not Postgres data: choose an empty or a new folder/],
    ['no password beside it', (dir) => makeFile(dir, 'PG_VERSION', '18\n'), /password is missing: put it back/],
    ['a file in its path', (dir) => writeFileSync(dir, 'x'), /ENOTDIR.*choose another folder/],
    ['damaged data', makeDamaged, /says ".*more in/],
  ];

  it.each(refusals)('says so in one sentence and changes nothing: %s', async (_case, prepare, sentence) => {
    const dataDir = sandbox.dataDir();
    prepare(dataDir);
    const before = contents(dataDir);
    const error = await start(dataDir).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'EmbeddedPostgresError', message: expect.stringMatching(sentence) });
    expect(String(error)).not.toMatch(/\n|\bat \w+/);
    expect(contents(dataDir)).toEqual(before);
  });
});

/** These need the right to become other users; as an ordinary user every test above already covers that user. */
function startedByRoot(): void {
  it('runs as an unprivileged user, in a project only root may enter', async () => {
    const home = sandbox.folder(0o700);
    const dataDir = sandbox.dataDir('data', home);
    const { child, told } = await sandbox.start(cloneLauncher(home), dataDir);
    expect(told.error).toBeUndefined();
    const status = readFileSync(`/proc/${await postmasterPid(dataDir)}/status`, 'utf8');
    expect(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])).toBeGreaterThan(0);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    child.send('stop');
    await once(child, 'exit');
    expect(processList()).not.toContain(dataDir);
  });

  it('lends the server no capability where the path is open', async () => {
    const dataDir = sandbox.dataDir();
    const { told } = await sandbox.start(tree, dataDir);
    expect(told.error).toBeUndefined();
    expect(readFileSync(`/proc/${await postmasterPid(dataDir)}/status`, 'utf8')).toMatch(/^CapEff:\s+0+$/m);
  });

  it('continues the folder of an ordinary user, who continues it afterwards', async () => {
    const home = sandbox.folder();
    chmodSync(home, 0o777);
    const dataDir = sandbox.dataDir('data', home);
    const urls = [];
    for (const user of [ORDINARY, {}, ORDINARY]) {
      const { child, told } = await sandbox.start(tree, dataDir, user);
      expect(told.error).toBeUndefined();
      urls.push(await query(told.url, 'SELECT 1'));
      child.send('stop');
      await once(child, 'exit');
      rmSync(`${dataDir}.log`);
    }
    expect(urls).toEqual([1, 1, 1]);
  });

  it('leaves a folder that an ordinary user cannot open, and that user is told so', async () => {
    const home = sandbox.folder();
    chmodSync(home, 0o777);
    const dataDir = sandbox.dataDir('data', home);
    await (await start(dataDir)).stop();
    const { told } = await sandbox.start(tree, dataDir, ORDINARY);
    expect(told.error).toMatch(/^EmbeddedPostgresError: .* belongs to user \d+ .*sudo chown -R/);
    const closed = await sandbox.start(tree, sandbox.dataDir('data', sandbox.folder()), ORDINARY);
    expect(closed.told.error).toMatch(/EACCES.*may not write there: choose another folder/);
    const nameless = await sandbox.start(tree, sandbox.dataDir('other', home), NAMELESS);
    expect(nameless.told.error).toMatch(/give this user a line in \/etc\/passwd/);
    expect(readdirSync(home).filter((name) => name.includes('.init-'))).toEqual([]);
  });
}
if (isRoot) describe('started by root', startedByRoot);

function makeFile(folder: string, name: string, content: string): void {
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, name), content);
}

function makeDamaged(dataDir: string): void {
  makeFile(dataDir, 'PG_VERSION', '18\n');
  writeFileSync(`${dataDir}.password`, 'x');
}

/** Puts a lock file of long ago there, as the user who runs the server. */
function leaveLock(dataDir: string, content: string): void {
  const lock = join(dataDir, 'postmaster.pid');
  writeFileSync(lock, content, { mode: 0o600 });
  const { uid, gid } = statSync(dataDir);
  chownSync(lock, uid, gid);
  utimesSync(lock, 0, 0);
}

function userNamed(wanted: string): { uid: number; gid: number } {
  const line =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((user) => user.startsWith(`${wanted}:`)) ?? '';
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

function contents(path: string): unknown {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8');
  return readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'utf8')]);
}

async function poll<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
