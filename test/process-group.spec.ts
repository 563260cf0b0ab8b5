import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGroup } from '../scripts/process-group.js';
import { waitFor } from './support/wait-for.js';

/** What `npm run start:dev` starts must not outlive it. */
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-group-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** Writes a file, and takes it away when it is told to end. */
const CHILD = `
  const { rmSync, writeFileSync } = require('node:fs');
  process.on('SIGTERM', () => { rmSync(process.env.NOTE); process.exit(); });
  writeFileSync(process.env.NOTE, '');
  setInterval(() => undefined, 1000);`;

/** Starts a program that has started another one, and waits until that runs. */
async function startFamily(parent: string) {
  const note = join(folder, 'note');
  const isRunning = () => existsSync(note);
  const group = startGroup('/bin/sh', ['-c', `"${process.execPath}" -e "$CHILD" & ${parent}`], { CHILD, NOTE: note });
  await waitFor(isRunning, { within: 20_000 });
  return { group, isRunning };
}

it('ends with everything that it has started', async () => {
  const { group, isRunning } = await startFamily('wait');
  await group.stop();
  expect(isRunning()).toBe(false);
  await group.exited;
});

it('ends what a program has left behind', async () => {
  const { group, isRunning } = await startFamily('exit 3');
  expect(await group.exited).toBe(3);
  expect(isRunning()).toBe(true);
  await group.stop();
  expect(isRunning()).toBe(false);
});

it('has nothing to stop where the program is not there', async () => {
  const group = startGroup(join(folder, 'nothing'), [], {});
  expect(await group.exited).toBe(1);
  await group.stop();
});
