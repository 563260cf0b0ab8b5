import { randomBytes } from 'node:crypto';
import { Client, type QueryResultRow } from 'pg';

/** A database of its own for one test file. */
export interface TestDatabase {
  url: string;
  /** Runs SQL by hand, as an operator would. */
  query<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** Creates an empty database on the Postgres of this run. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  await once(serverUrl(), (client) => client.query(`CREATE DATABASE ${name}`));
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  let client: Client | undefined;
  return {
    url: url.href,
    query: async (sql, values) => {
      if (!client) {
        client = new Client({ connectionString: url.href });
        client.on('error', () => undefined);
        await client.connect();
      }
      return (await client.query(sql, values)).rows;
    },
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

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: start the tests with npm test');
  return url;
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
