import pg, { type PoolClient } from 'pg';
import { connectWithin, currentDeadline } from './deadline.js';

type Connected = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/** A pool in whose line a request waits no longer than its deadline allows. */
class DeadlinePool extends pg.Pool {
  override connect(): Promise<PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<PoolClient> | undefined {
    const connect = () => super.connect();
    const deadline = currentDeadline();
    const connected = deadline ? connectWithin(deadline, connect, (late) => late.release()) : connect();
    if (!callback) return connected;
    connected.then(
      (client) => callback(undefined, client, (error) => client.release(error)),
      (error: Error) => callback(error, undefined, () => undefined),
    );
  }
}

/** pg with a pool of ours, for TypeORM, which makes the pool itself. */
export const DRIVER: typeof pg = Object.create(pg, { Pool: { value: DeadlinePool } });
