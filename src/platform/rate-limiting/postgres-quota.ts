import { type IRateLimiterPostgresOptions, RateLimiterPostgres } from 'rate-limiter-flexible';
import { repeatOnConflict } from '../database/repeat-on-conflict.js';
import type { SharedStore } from './shared-store.js';

/**
 * Counts in a window, which begins anew once it has ended. $1 key, $2 points, $3 milliseconds, $4 the time of this process,
 * by which the library reads when the window ends
 */
const CONSUME = `
  INSERT INTO quotas AS q (key, points, expire)
  VALUES ($1, $2, (1000 * extract(epoch FROM clock_timestamp()))::bigint + $3)
  ON CONFLICT (key) DO UPDATE SET
    points = CASE WHEN q.expire <= excluded.expire - $3 THEN excluded.points ELSE q.points + excluded.points END,
    expire = CASE WHEN q.expire <= excluded.expire - $3 THEN excluded.expire ELSE q.expire END
  RETURNING points, expire - (1000 * extract(epoch FROM clock_timestamp()))::bigint + $4 AS expire`;

interface Consumed {
  rows: { points: number; expire: string }[];
}

/**
 * A quota in Postgres whose windows are the database's; good for `consume` alone. The library takes the time of the process:
 * an instance that is days ahead would end the windows of all others, and begin some that last for days.
 */
export class PostgresQuota extends RateLimiterPostgres {
  declare protected readonly _query: (statement: {
    name: string;
    text: string;
    values: unknown[];
  }) => Promise<Consumed>;

  /** `store` is that of all quotas, which are in one table. */
  constructor(
    options: IRateLimiterPostgresOptions,
    private readonly store: SharedStore,
  ) {
    super(options);
  }

  /** By which the library counts; the names are the library's too. */
  protected _upsert(key: string, points: number, duration: number): Promise<Consumed> {
    return this.store.ask(() =>
      repeatOnConflict(() =>
        this._query({ name: 'consume', text: CONSUME, values: [key, points, duration, Date.now()] }),
      ),
    );
  }
}
