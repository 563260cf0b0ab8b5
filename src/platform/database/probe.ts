import type { Client } from 'pg';
import { openClient } from './short-client.js';

/** A connection that only looks which of the server's processes answers it. */
export interface Probe {
  /** The process that was announced when the connection started. */
  readonly announced: number;
  /** The process that answers a statement, prepared under a name or not. Throws the driver's error. */
  backend(statement: 'named' | 'unnamed'): Promise<number>;
  begin(): Promise<void>;
  rollback(): Promise<void>;
  end(): Promise<void>;
}

const BACKEND = { text: 'SELECT pg_catalog.pg_backend_pid() AS pid' };
const NAMED_BACKEND = { ...BACKEND, name: 'gatehouse_probe' };

/** Connects outside any pool. Throws the driver's error. */
export async function connectProbe(url: string): Promise<Probe> {
  const client = await openClient(url);
  return {
    announced: announcedBy(client),
    backend: async (statement) => {
      const { rows } = await client.query<{ pid: number }>(statement === 'named' ? NAMED_BACKEND : BACKEND);
      return rows[0]?.pid ?? 0;
    },
    begin: async () => void (await client.query('BEGIN')),
    rollback: async () => void (await client.query('ROLLBACK')),
    end: () => client.end(),
  };
}

/** Whether the process that was announced when the connection started is the one that answers: a pooler makes one up. */
export async function isDirect(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>(BACKEND);
  return rows[0]?.pid === announcedBy(client);
}

const announcedBy = (client: Client) => (client as unknown as { processID: number }).processID;
