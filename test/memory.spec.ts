import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDatabase, type TestDatabase } from './support/database.js';

/** The short form of bench/bad-input.js, which runs for ten minutes: bad input leaves nothing behind. */
const BENCH = fileURLToPath(new URL('../bench/bad-input.js', import.meta.url));
/** Bytes that a request may leave where a million of them in ten minutes may leave 20 MB. */
const ALLOWED = 20;
/** MB by which a heap differs from one collection to the next with nothing left in it: code is compiled meanwhile. */
const NOISE = 1;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database?.drop());

test('a flood of bad input leaves the memory as it was and is never answered 5xx', async () => {
  const env = { ...process.env, DATABASE_URL: database.url };
  // Rejects with all that was written where the exit code is not 0: also where the whole process has grown by the 20 MB.
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '2', '3600'], { env });
  const requests = Number(/(\d+) requests/.exec(stdout)?.[1]);
  const { heap, buffers } = JSON.parse(/Memory in MB: (.*)/.exec(stdout)?.[1] ?? '{}');
  expect(heap.grown + buffers.grown).toBeLessThan(NOISE + (requests * ALLOWED) / 2 ** 20);
  const answers = JSON.parse(/Answers: (\{.*\})/.exec(stdout)?.[1] ?? '{}');
  expect(answers['4xx']).toBeGreaterThan(1_000);
  expect(answers).not.toHaveProperty('5xx');
}, 240_000);
