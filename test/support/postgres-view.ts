import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Client } from 'pg';
import { findPostmaster } from '../../src/platform/database/embedded/postgres-postmaster.js';

/** What can be seen of an embedded Postgres from outside. */

/** Connects, and returns the first value of the first row. */
export async function query(url: string | undefined, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows?.[0]?.[0];
  } finally {
    await client.end();
  }
}

/** The process of the server on a folder; throws where none runs. */
export async function postmasterPid(dataDir: string): Promise<number> {
  const postmaster = await findPostmaster(dataDir);
  if (!postmaster) throw new Error(`no server runs on ${dataDir}`);
  return postmaster.pid;
}

/** Every process of this machine, as `ps` lists them. */
export const processList = () => execFileSync('ps', ['-ww', '-eo', 'pid,stat,args'], { encoding: 'utf8' });

/** What stands beside a data folder and belongs to it. */
export const beside = (dataDir: string) =>
  readdirSync(dirname(dataDir)).filter((name) => name !== basename(dataDir) && name.startsWith(basename(dataDir)));
