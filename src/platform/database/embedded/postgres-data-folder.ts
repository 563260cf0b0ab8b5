import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import type { PostgresAccount } from './postgres-account.js';
import type { PostgresBinaries } from './postgres-binaries.js';

/** The one spelling of the folder's path: absolute, links resolved, so that two processes mean the same by it. */
export async function locateDataFolder(path: string): Promise<string> {
  const wanted = resolve(path);
  await mkdir(dirname(wanted), { recursive: true });
  return realpath(wanted).catch(async () => join(await realpath(dirname(wanted)), basename(wanted)));
}

/** The major version that wrote the folder, or undefined while there is no finished data folder. */
export async function dataVersion(dataDir: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Refuses, untouched, a folder that is not ours to open: another major version's, or one with other things in it. */
export async function checkDataFolder(dataDir: string, major: string): Promise<void> {
  const version = await dataVersion(dataDir);
  if (version === undefined) {
    const entries = await readdir(dataDir).catch(() => []);
    if (entries.length === 0) return;
    throw new EmbeddedPostgresError(
      `${dataDir} holds files that are not Postgres data: choose an empty or a new folder.`,
    );
  }
  if (version === major) return;
  throw new EmbeddedPostgresError(
    `${dataDir} was written by Postgres ${version}, but this is Postgres ${major}: go back to the Gatehouse that wrote it, ` +
      `export with pg_dump and import into a new folder.`,
  );
}

/** Reads the password of the roles, or makes one when there are no data yet. It stands beside the folder, mode 0600. */
export async function readPassword(dataDir: string, account: PostgresAccount): Promise<string> {
  const path = `${dataDir}.password`;
  if (!(await dataVersion(dataDir))) await createPassword(path, account);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new EmbeddedPostgresError(
      `${path} is missing: put it back from a backup, or move ${dataDir} away to begin anew.`,
    );
  }
}

/** Linked into place whole, so that of two processes one makes it and both read the same. */
async function createPassword(path: string, account: PostgresAccount): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await account.give(draft);
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Makes the data folder: UTF-8, checksums, the superuser `postgres`, and the role and database `gatehouse`.
 * All of it happens in a folder beside, renamed into place at the end: one killed half way leaves nothing that counts.
 */
export async function createDataFolder(
  dataDir: string,
  password: string,
  binaries: PostgresBinaries,
  account: PostgresAccount,
): Promise<void> {
  const draft = await mkdtemp(`${dataDir}.init-`);
  try {
    await account.give(draft);
    await account.run(binaries.initdb, initdbArgs(draft, `${dataDir}.password`), dataDir);
    // Single-user mode reads SQL from standard input, so the password shows in no process list.
    const single = [
      '--single',
      '-D',
      draft,
      '-c',
      'exit_on_error=on',
      '-c',
      'log_min_error_statement=panic',
      'postgres',
    ];
    await account.run(binaries.postgres, single, dataDir, firstStatements(password));
    await rename(draft, dataDir);
    await syncFolder(dirname(dataDir));
  } catch (error) {
    // Another process that was faster has removed our draft, or holds the place: its folder serves as well.
    if (!(await dataVersion(dataDir))) throw error;
  } finally {
    await removeDrafts(dataDir, (await dataVersion(dataDir)) ? `${basename(dataDir)}.init-` : basename(draft));
  }
}

function initdbArgs(folder: string, passwordFile: string): string[] {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const safety = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--data-checksums'];
  return ['-D', folder, '--username=postgres', '--no-instructions', ...locale, ...safety];
}

/**
 * The app's role is no superuser: SQL that slips into a query must not read files or run programs. The audit log belongs
 * to a role of its own, which no account signs in as and of which none is a member.
 */
function firstStatements(password: string): string {
  return [
    `CREATE ROLE gatehouse LOGIN CREATEDB PASSWORD '${password}'`,
    'CREATE ROLE gatehouse_audit NOLOGIN',
    'CREATE DATABASE gatehouse OWNER gatehouse',
  ]
    .map((statement) => `${statement};\n`)
    .join('');
}

/** A renamed folder is only sure to be found after a power loss once its parent is on disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  await folder.sync().finally(() => folder.close());
}

async function removeDrafts(dataDir: string, prefix: string): Promise<void> {
  const parent = dirname(dataDir);
  const drafts = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  // A slower process may still write into its own; what is left then goes with the next first start.
  await Promise.allSettled(
    drafts.map((name) => rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 })),
  );
}
