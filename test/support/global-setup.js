import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** The built code: Jest loads this file as it is, without a transform. */
const built = (/** @type {string} */ path) => import(new URL(`../../dist/src/database/${path}`, import.meta.url).href);

/** What is taken down after the run. */
const kept = { folder: '', template: '', stop: async () => {} };

/**
 * One Postgres for the whole run, or the one that TEST_DATABASE_URL names (its user may create databases), with a
 * database on it that is migrated once and copied for every test file.
 */
export default async function setUp() {
  const url = process.env.TEST_DATABASE_URL || (await startPostgres());
  kept.template = `t_template_${randomBytes(6).toString('hex')}`;
  await once(url, `CREATE DATABASE ${kept.template}`);
  const template = new URL(url);
  template.pathname = `/${kept.template}`;
  const { migrate } = await built('data-source.js');
  await migrate(template.href);
  process.env.TEST_DATABASE_URL = url;
  process.env.TEST_DATABASE_TEMPLATE = kept.template;
}

/** Takes down what setUp made. */
export async function tearDown() {
  if (kept.template) await once(process.env.TEST_DATABASE_URL ?? '', `DROP DATABASE ${kept.template}`);
  await kept.stop();
  if (kept.folder) await rm(kept.folder, { recursive: true, force: true });
}

async function startPostgres() {
  const { startEmbeddedPostgres } = await built('embedded-postgres.js');
  kept.folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(kept.folder, 'postgres'), log: () => undefined });
  kept.stop = () => postgres.stop();
  // Nobody needs these data after a power loss, and waiting for the disk is most of what a small transaction costs.
  const superuser = new URL(postgres.url);
  superuser.username = 'postgres';
  await once(superuser.href, 'ALTER SYSTEM SET fsync = off');
  await once(superuser.href, 'SELECT pg_reload_conf()');
  return postgres.url;
}

async function once(/** @type {string} */ url, /** @type {string} */ statement) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
