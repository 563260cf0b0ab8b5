// How long users:import takes for 100 000 users, and how much memory; ends with 1 beyond a limit: node bench/import.js [users]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase, SECRET, startPostgres } from './support/server.js';

const COUNT = Number(process.argv[2] ?? 100_000);
/** 60 s for 100 000 users; memory must not depend on how many they are. */
const LIMITS = { seconds: (60 * Math.max(COUNT, 100_000)) / 100_000, megabytes: 300 };
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
const [file, firebase] = [join(folder, 'users.ndjson'), join(folder, 'firebase.json')];

const text = (/** @type {number} */ n, /** @type {number} */ length) => String(n).padStart(length, 'a');
const base64 = (/** @type {number} */ n, /** @type {number} */ bytes) =>
  Buffer.alloc(bytes, `${n}.`).toString('base64');
const bare = (/** @type {number} */ n, /** @type {number} */ bytes) => base64(n, bytes).replaceAll('=', '');

/** One of each kind of hash in turn, in its form: nobody signs in here. @type {((n: number) => object)[]} */
const KINDS = [
  (n) => ({ passwordHash: `$2a$10$${text(n, 53)}` }),
  (n) => ({ passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${bare(n, 16)}$${bare(n, 32)}` }),
  (n) => ({ passwordHash: `$scrypt$ln=15,r=8,p=1$${bare(n, 16)}$${bare(n, 32)}` }),
  (n) => ({ passwordHash: `pbkdf2_sha256$600000$${text(n, 22)}$${base64(n, 32)}` }),
  (n) => ({ passwordHash: `sha512$${text(n, 8)}$1000$${text(n, 128)}` }),
  (n) => ({ passwordHash: base64(n, 64), passwordSalt: base64(n, 16) }),
];

const hashing = { base64_signer_key: base64(0, 64), base64_salt_separator: 'Bw==', rounds: 8, mem_cost: 14 };
writeFileSync(firebase, JSON.stringify(hashing));
const out = createWriteStream(file);
for (let n = 0; n < COUNT; n++) {
  const line = JSON.stringify({
    email: `person${n}@example.com`,
    username: `person${n}`,
    name: `Person Number ${n}`,
    emailVerified: true,
    createdAt: '2020-01-02T03:04:05Z',
    ...KINDS[n % KINDS.length]?.(n),
  });
  if (!out.write(`${line}\n`)) await once(out, 'drain');
}
out.end();
await once(out, 'finish');

const postgres = await startPostgres();
try {
  const { url, client } = await openDatabase(postgres.url, 'import');
  const start = performance.now();
  // As `npm run cli` starts it.
  const { cli } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts;
  const child = spawn('sh', ['-c', `exec ${cli} users:import "$0" --firebase "$1"`, file, firebase], {
    cwd: ROOT,
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
  const { rows } = await client.query('SELECT count(*)::integer AS n FROM users');
  await client.end();
  process.stdout.write(
    `${rows[0].n} users in ${seconds.toFixed(1)} s, at most ${peak} MB resident ` +
      `(limits: ${LIMITS.seconds} s, ${LIMITS.megabytes} MB)\n`,
  );
  if (rows[0].n !== COUNT || seconds > LIMITS.seconds || peak > LIMITS.megabytes) process.exitCode = 1;
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
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
