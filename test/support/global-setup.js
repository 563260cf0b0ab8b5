import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The built launcher: Jest loads this file as it is, without a transform. */
const LAUNCHER = new URL('../../dist/src/database/embedded-postgres.js', import.meta.url).href;

/** What is taken down after the run. */
const kept = { folder: '', stop: async () => {} };

/** One Postgres for the whole run, or the one that TEST_DATABASE_URL names (its user may create databases). */
export default async function setUp() {
  if (process.env.TEST_DATABASE_URL) return;
  const { startEmbeddedPostgres } = await import(LAUNCHER);
  kept.folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(kept.folder, 'postgres'), log: () => undefined });
  kept.stop = () => postgres.stop();
  process.env.TEST_DATABASE_URL = postgres.url;
}

/** Takes down what setUp started. */
export async function tearDown() {
  await kept.stop();
  if (kept.folder) await rm(kept.folder, { recursive: true, force: true });
}
