import { fork } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once as happens } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { chromiumHere } from '../../scripts/chromium.js';
import { addressOf, spawnServer } from './server.js';

/** The built code: Jest loads this file as it is, without a transform. */
const built = (/** @type {string} */ path) =>
  import(new URL(`../../dist/src/platform/database/${path}`, import.meta.url).href);

/** What is taken down after the run. */
const kept = {
  folder: '',
  document: '',
  template: '',
  shared: '',
  /** @type {import('node:child_process').ChildProcess[]} */
  hosts: [],
  stopServer: async () => {},
  stop: async () => {},
};

/**
 * One Postgres for the whole run, or the one that TEST_DATABASE_URL names (its user may create databases), with a
 * database on it that is migrated once and copied for every test file. One server on such a copy, for the tests that need
 * no other. For every worker of Jest a process that runs servers with settings of their own. And Chromium is unpacked
 * once, before many ask for it.
 */
export default async function setUp(/** @type {import('jest').Config & { maxWorkers: number }} */ { maxWorkers }) {
  const [postgres] = await Promise.all([process.env.TEST_DATABASE_URL ? undefined : startPostgres(), chromiumHere()]);
  const url = postgres?.url ?? process.env.TEST_DATABASE_URL ?? '';
  kept.template = `t_template_${randomBytes(6).toString('hex')}`;
  await once(url, `CREATE DATABASE ${kept.template}`);
  await fillTemplate(url, postgres?.superuserUrl);
  process.env.TEST_DATABASE_URL = url;
  process.env.TEST_DATABASE_TEMPLATE = kept.template;
  await Promise.all([startServer(url), startHosts(maxWorkers)]);
}

/** Takes down what setUp made. */
export async function tearDown() {
  for (const host of kept.hosts) host.disconnect();
  await kept.stopServer();
  if (kept.shared) await once(process.env.TEST_DATABASE_URL ?? '', `DROP DATABASE ${kept.shared}`);
  if (kept.template) await once(process.env.TEST_DATABASE_URL ?? '', `DROP DATABASE ${kept.template}`);
  await kept.stop();
  if (kept.document) await rm(kept.document, { recursive: true, force: true });
  if (kept.folder) await rm(kept.folder, { recursive: true, force: true });
}

/** As a start does it: on the Postgres that the run has set up itself the audit log gets an owner of its own. */
async function fillTemplate(/** @type {string} */ url, /** @type {string | undefined} */ superuserUrl) {
  const template = inDatabase(url, kept.template);
  const { migrate } = await built('data-source.js');
  await migrate(template);
  if (!superuserUrl) return;
  const { handOverAuditLog } = await built('../../audit/log-owner.js');
  await handOverAuditLog({ url: template, superuserUrl: inDatabase(superuserUrl, kept.template) });
}

function inDatabase(/** @type {string} */ server, /** @type {string} */ name) {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function startPostgres() {
  const { startEmbeddedPostgres } = await built('embedded/embedded-postgres.js');
  kept.folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(kept.folder, 'postgres'), log: () => undefined });
  kept.stop = () => postgres.stop();
  // Nobody needs these data after a power loss, and waiting for the disk is most of what a small transaction costs.
  await once(postgres.superuserUrl, 'ALTER SYSTEM SET fsync = off');
  await once(postgres.superuserUrl, 'SELECT pg_reload_conf()');
  return postgres;
}

/** Its key is told to the tests, so that they can forge tokens for it. */
async function startServer(/** @type {string} */ postgres) {
  kept.shared = `t_shared_${randomBytes(6).toString('hex')}`;
  await once(postgres, `CREATE DATABASE ${kept.shared} TEMPLATE ${kept.template}`);
  const url = new URL(inDatabase(postgres, kept.shared));
  await once(postgres, lookUpIn(kept.shared));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'held-by-the-test' });
  const { child, removeFolder } = spawnServer({ DATABASE_URL: url.href, JWT_SIGNING_KEY: key });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  kept.stopServer = async () => {
    child.kill('SIGTERM');
    await exited;
    removeFolder();
  };
  process.env.TEST_SHARED_URL = await addressOf(child);
  child.stdout.resume();
  await keepDocument(process.env.TEST_SHARED_URL);
  process.env.TEST_SHARED_DATABASE_URL = url.href;
  process.env.TEST_SHARED_SIGNING_KEY = key;
}

/** Where a role looks names up in a database is not copied with the database. */
const lookUpIn = (/** @type {string} */ name) =>
  `ALTER ROLE CURRENT_USER IN DATABASE ${name} SET search_path = gatehouse, public`;

/** What every answer of the run is held against. */
async function keepDocument(/** @type {string} */ url) {
  kept.document = await mkdtemp(join(tmpdir(), 'gatehouse-document-'));
  process.env.TEST_OPENAPI_FILE = join(kept.document, 'openapi.json');
  const response = await fetch(`${url}/openapi.json`);
  await writeFile(process.env.TEST_OPENAPI_FILE, await response.text());
}

async function startHosts(/** @type {number} */ count) {
  kept.hosts = Array.from({ length: count }, () => fork(new URL('host.js', import.meta.url)));
  const addresses = await Promise.all(kept.hosts.map((host) => happens(host, 'message')));
  process.env.TEST_HOST_URLS = addresses.map(([{ port }]) => `http://127.0.0.1:${port}`).join(' ');
}

async function once(/** @type {string} */ url, /** @type {string} */ statement) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
