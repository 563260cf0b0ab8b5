import { Client, type ClientConfig } from 'pg';
import { endsConnection } from '../common/database-errors.js';

/**
 * A connection of a pool that does not outlive its usefulness.
 *
 * pg goes on using a connection whose answer did not come within `query_timeout`: behind a link gone silent it would stay
 * in the pool for a quarter of an hour, and every ROLLBACK would wait as long again. And TypeORM gives a connection back
 * whatever it was answered: one to a primary that was demoted would be asked for ever, since it still answers SELECT.
 */
export class PooledClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...values: unknown[]) => unknown;
    this.query = ((...values: unknown[]) => {
      const answer = query(...values);
      // With a callback it is the pool's own statement, and the pool closes a connection that failed it.
      if (answer instanceof Promise) answer.catch((error: Error) => this.giveUp(error));
      return answer;
    }) as Client['query'];
  }

  /** A pool takes no connection back that is ending. */
  private giveUp(error: Error): void {
    if (error.message === 'Query read timeout' || endsConnection(error)) void this.end();
  }
}
