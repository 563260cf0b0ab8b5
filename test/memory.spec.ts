import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The short form of bench/bad-input.js, which runs for ten minutes: bad input leaves nothing behind. */
const BENCH = fileURLToPath(new URL('../bench/bad-input.js', import.meta.url));

test('a flood of bad input leaves the memory as it was and is never answered 5xx', async () => {
  // Rejects with all that was written where the exit code is not 0.
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '0.15']);
  // Half the bar of the ten minutes, since it is far less than that.
  expect(Number(/ and (-?[\d.]+) MB more /.exec(stdout)?.[1])).toBeLessThan(10);
  const answers = JSON.parse(/Answers: (\{.*\})/.exec(stdout)?.[1] ?? '{}');
  expect(answers['4xx']).toBeGreaterThan(1_000);
  expect(answers).not.toHaveProperty('5xx');
}, 120_000);
