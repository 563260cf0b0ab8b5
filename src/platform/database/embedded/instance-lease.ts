import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';

/** Any number will do; it is held in the database `postgres`, where the app's own locks cannot meet it. */
const PRESENCE_LOCK = 0x67617465;

/** Said by a server that is just coming up or going down. */
const NOT_YET = new Set(['57P01', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/**
 * Every Gatehouse on the server holds a shared advisory lock for as long as it lives, over a connection of its own.
 * An instance that stops gives it up and asks for the exclusive lock: that is granted to the last one only, and while it is held
 * no newcomer can get in. A killed process loses its connection and so its say, without a file left to clean up.
 */
export class InstanceLease {
  private constructor(private readonly client: Client) {}

  /** Undefined when the server is not ready, or is being stopped by the process that holds it exclusively. */
  static async claim(port: number, password: string, onLost: () => void): Promise<InstanceLease | undefined> {
    const client = new Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      password,
      ...OPTIONS,
    });
    client.on('error', () => onLost());
    try {
      await client.connect();
      const presence = new InstanceLease(client);
      if (await presence.holds('pg_try_advisory_lock_shared')) {
        presence.keepAwake(false);
        return presence;
      }
    } catch (error) {
      if (!isNotYet(error)) throw error;
    }
    await client.end().catch(() => undefined);
    return undefined;
  }

  /** Gives up this process' say. True when no other process has one, and none can get one until the server is down. */
  async leave(): Promise<boolean> {
    this.keepAwake(true);
    await this.holds('pg_advisory_unlock_shared');
    // The server may take a moment to notice that a process was killed, and holds its say until then.
    for (let look = 0; look < LOOKS; look++) {
      if (await this.holds('pg_try_advisory_lock')) return true;
      await delay(BETWEEN_LOOKS_MS);
    }
    await this.client.end();
    return false;
  }

  /** A presence that only waits keeps no process alive; one that asks something must, or Node ends before the answer. */
  private keepAwake(awake: boolean): void {
    const client = this.client as Client & Record<'ref' | 'unref', () => void>; // both are missing in the types
    if (awake) client.ref();
    else client.unref();
  }

  private async holds(lockFunction: string): Promise<boolean> {
    const { rows } = await this.client.query<{ held: boolean }>(
      `SELECT pg_catalog.${lockFunction}($1::pg_catalog.int8) AS held`,
      [PRESENCE_LOCK],
    );
    return rows[0]?.held === true;
  }
}

const LOOKS = 10;
const BETWEEN_LOOKS_MS = 50;

const OPTIONS = { application_name: 'gatehouse presence', connectionTimeoutMillis: 5_000, keepAlive: true };

function isNotYet(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === '28P01')
    throw new EmbeddedPostgresError(
      'The embedded Postgres refuses the password in the .password file beside its folder.',
    );
  return NOT_YET.has(code ?? '') || message.startsWith('Connection terminated');
}
