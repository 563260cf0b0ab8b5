import { randomBytes } from 'node:crypto';
import { Client, type QueryResultRow } from 'pg';
import type { TestDatabase } from './database.js';

/** The superuser of the run's Postgres: the embedded one has one of the same password, on another the tests run as one. */
export function superuserUrl(url: string): string {
  const own = new URL(url);
  if (own.username === 'gatehouse') own.username = 'postgres';
  return own.href;
}

/** Runs SQL on a connection of its own. */
export async function runAs(url: string, sql: string): Promise<QueryResultRow[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return [await client.query(sql)].flat().at(-1)?.rows ?? [];
  } finally {
    await client.end();
  }
}

/** A role that may sign in, for one test: roles belong to the whole Postgres, so `drop` it. */
export interface TestRole {
  name: string;
  url: string;
  drop(): Promise<void>;
}

/** Makes a role without any rights in a database but those that everybody has. */
export async function createRole({ url }: TestDatabase): Promise<TestRole> {
  const name = `r_${randomBytes(6).toString('hex')}`;
  await runAs(superuserUrl(url), `CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
  const own = new URL(url);
  own.username = name;
  own.password = name;
  const drop = async () => void (await runAs(superuserUrl(url), `DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`));
  return { name, url: own.href, drop };
}
