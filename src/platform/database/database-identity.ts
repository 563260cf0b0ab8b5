import { Client } from 'pg';

/** Milliseconds for the connection and for the answer. */
const TIMEOUT = 10_000;

/** The same through any pooler, and told by every hosting. */
const IDENTITY = `SELECT current_database() || ' ' || pg_postmaster_start_time() AS identity`;

/** DATABASE_URL and DATABASE_DIRECT_URL lead to two databases. */
export class OtherDatabaseError extends Error {
  override readonly name = 'OtherDatabaseError';
  constructor() {
    super(
      'DATABASE_DIRECT_URL leads to another database than DATABASE_URL: set it to the one that DATABASE_URL reaches through the pooler.',
    );
  }
}

/** Which database a URL leads to, to compare with that of another URL. Throws the driver's error. */
export async function databaseAt(url: string): Promise<string> {
  const client = new Client({
    connectionString: url,
    application_name: 'gatehouse probe',
    connectionTimeoutMillis: TIMEOUT,
    query_timeout: TIMEOUT,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ identity: string }>(IDENTITY);
    return rows[0]?.identity ?? '';
  } finally {
    await client.end().catch(() => undefined);
  }
}
