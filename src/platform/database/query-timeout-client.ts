import type { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';

/**
 * A connection that is closed when an answer does not come within `query_timeout`. pg alone goes on using it: behind a
 * link gone silent it would stay in the pool for a quarter of an hour, and every ROLLBACK would wait as long again.
 */
export class QueryTimeoutClient extends Client {
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

  private giveUp(error: Error): void {
    if (error.message !== 'Query read timeout') return;
    (this as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
  }
}
