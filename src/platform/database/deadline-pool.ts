import pg, { type PoolClient } from 'pg';
import { sparesConnection } from '../common/database-errors.js';
import { connectWithin, currentDeadline } from './deadline.js';

type Connected = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/**
 * A pool in whose line a request waits no longer than its deadline allows, and that keeps the connection of a statement that was
 * refused: pg closes it whatever the answer was, so that a fault that many meet at once would cost each of them a connection.
 */
class DeadlinePool extends pg.Pool {
  override connect(): Promise<PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<PoolClient> | undefined {
    const connect = () => super.connect();
    const deadline = currentDeadline();
    const connected = deadline ? connectWithin(deadline, connect, (late) => late.release()) : connect();
    if (!callback) return connected;
    connected.then(
      (client) => {
        const release = client.release.bind(client);
        client.release = (error) => release(sparesConnection(error) ? undefined : error);
        callback(undefined, client, client.release);
      },
      (error: Error) => callback(error, undefined, () => undefined),
    );
  }
}

/** pg with a pool of ours, for TypeORM, which makes the pool itself. */
export const DRIVER: typeof pg = Object.create(pg, { Pool: { value: DeadlinePool } });
