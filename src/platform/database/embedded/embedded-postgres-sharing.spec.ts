import { once } from 'node:events';
import { cloneLauncher, PostgresSandbox } from '../../../../test/support/postgres-sandbox.js';
import { beside, processList, query } from '../../../../test/support/postgres-view.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { findPostmaster } from './postgres-postmaster.js';

const sandbox = new PostgresSandbox();
const clones = new PostgresSandbox();
let tree: string;

beforeAll(() => {
  tree = cloneLauncher(clones.folder());
});
afterEach(() => sandbox.clear());
afterAll(() => clones.clear());

const start = (dataDir: string) => startEmbeddedPostgres({ dataDir, log: () => undefined });

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
