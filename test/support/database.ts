import { randomBytes } from 'node:crypto';
import { Client, type QueryResultRow } from 'pg';

/** A database of its own for one test file. */
export interface TestDatabase {
  url: string;
  /** Runs SQL by hand, as an operator would. */
  query<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Lets go of the connection and leaves the database as it is. */
  close(): Promise<void>;
  drop(): Promise<void>;
}

/** Creates a database on the Postgres of this run: a copy of the one that was migrated, or an empty one. */
export async function createDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  const template = empty ? '' : `TEMPLATE ${setting('TEST_DATABASE_TEMPLATE')}`;
  await once(serverUrl(), async (client) => {
    await client.query(`CREATE DATABASE ${name} ${template}`);
    // Where a role looks names up in a database is not copied with the database. A new one is told by its migrations.
    if (!empty) await client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${name} SET search_path = gatehouse, public`);
  });
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return testDatabaseAt(url.href);
}

/** A database that is there already. */
export function testDatabaseAt(url: string): TestDatabase {
  let client: Client | undefined;
  const name = new URL(url).pathname.slice(1);
  return {
    url,
    query: async (sql, values) => {
      if (!client) {
        client = new Client({ connectionString: url });
        client.on('error', () => undefined);
        await client.connect();
      }
      return (await client.query(sql, values)).rows;
    },
    close: async () => client?.end(),
    drop: async () => {
      await client?.end();
      await once(serverUrl(), async (server) => {
        // Only a superuser may force an autovacuum worker out; without force, Postgres itself asks it to go.
        const forced = server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
        await forced.catch(() => server.query(`DROP DATABASE IF EXISTS ${name}`));
      });
    },
  };
}

const serverUrl = () => setting('TEST_DATABASE_URL');

/** What the global setup has left for the tests. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the tests with npm test`);
  return value;
}

async function once<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
