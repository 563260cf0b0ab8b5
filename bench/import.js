// How long users:import takes for 100 000 users, and how much memory: node bench/import.js [users]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase, SECRET, startPostgres } from './support/server.js';

const COUNT = Number(process.argv[2] ?? 100_000);
const CLI = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const file = join(tmpdir(), `gatehouse-import-${process.pid}.ndjson`);

const out = createWriteStream(file);
for (let n = 0; n < COUNT; n++) {
  const line = JSON.stringify({
    email: `person${n}@example.com`,
    username: `person${n}`,
    name: `Person Number ${n}`,
    emailVerified: true,
    createdAt: '2020-01-02T03:04:05Z',
    passwordHash: `$2a$10$${String(n).padStart(53, 'a')}`,
  });
  if (!out.write(`${line}\n`)) await once(out, 'drain');
}
out.end();
await once(out, 'finish');

const postgres = await startPostgres();
try {
  const { url, client } = await openDatabase(postgres.url, 'import');
  const start = performance.now();
  const child = spawn(process.execPath, [CLI, 'users:import', file], {
    env: { ...process.env, ...SECRET, DATABASE_URL: url },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(child.pid));
  }, 100);
  await once(child, 'close');
  clearInterval(watch);
  const seconds = (performance.now() - start) / 1000;
  const { rows } = await client.query('SELECT count(*) AS n FROM users');
  process.stdout.write(
    `${rows[0].n} users in ${seconds.toFixed(1)} s, at most ${peak} MB resident (limits: 60 s, 300 MB)\n`,
  );
  await client.end();
} finally {
  await postgres.stop();
  rmSync(file, { force: true });
}

/**
 * The most that a process has had resident, in MB.
 * @param {number | undefined} pid
 */
function memoryOf(pid) {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  } catch {
    return 0; // it has ended
  }
}
