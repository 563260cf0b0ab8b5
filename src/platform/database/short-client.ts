import { Client } from 'pg';

/** Milliseconds for each answer. A pooler that is full makes a statement wait for two minutes. */
const TIMEOUT = 5_000;

/** Connects outside any pool, for a few statements, with nothing that a pooler could refuse. Throws the driver's error. */
export async function openClient(connectionString: string): Promise<Client> {
  const client = new Client({
    connectionString,
    application_name: 'gatehouse probe',
    connectionTimeoutMillis: TIMEOUT,
    query_timeout: TIMEOUT,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Runs `work` on a connection that is closed afterwards. Throws the driver's error, and what `work` throws. */
export async function withClient<T>(connectionString: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await openClient(connectionString);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
