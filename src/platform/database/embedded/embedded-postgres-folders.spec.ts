import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cloneLauncher, PostgresSandbox } from '../../../../test/support/postgres-sandbox.js';
import { postmasterPid, processList, query } from '../../../../test/support/postgres-view.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';

const sandbox = new PostgresSandbox();
const clones = new PostgresSandbox();
const isRoot = process.getuid?.() === 0;
const NAMELESS = { uid: 54321, gid: 54321 };
const ORDINARY = userNamed('daemon');
let tree: string;

beforeAll(() => {
  tree = cloneLauncher(clones.folder());
});
afterEach(() => sandbox.clear());
afterAll(() => clones.clear());

const start = (dataDir: string) => startEmbeddedPostgres({ dataDir, log: () => undefined });

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

/** These need the right to become other users; as an ordinary user every other test already covers that user. */
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

function contents(path: string): unknown {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8');
  return readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'utf8')]);
}

function userNamed(wanted: string): { uid: number; gid: number } {
  const line =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((user) => user.startsWith(`${wanted}:`)) ?? '';
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
