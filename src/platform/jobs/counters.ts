import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../database/database.js';
import { DebouncedTask } from './debounced-task.js';

/** Any number: one instance aggregates at a time. */
const AGGREGATE_LOCK = 4_711_005;

/** Changes of one statement at most. After an outage all of them at once would take longer than a statement may, time and again. */
const BATCH = 10_000;

/**
 * Aggregates some of the changes into the counters, and says how many.
 * What is moved leaves the one table and enters the other in one commit, so a sum over both is exact at every moment.
 * $1 how many at most
 */
const AGGREGATE = {
  name: 'counters-aggregate-some',
  text: `
  WITH turn AS MATERIALIZED (SELECT pg_catalog.pg_try_advisory_xact_lock(${AGGREGATE_LOCK}) AS held),
    moved AS (
      DELETE FROM tally_changes
      WHERE (SELECT held FROM turn) AND ctid = ANY (ARRAY(SELECT ctid FROM tally_changes LIMIT $1::integer))
      RETURNING name, day, delta),
    added AS (
      INSERT INTO tallies SELECT name, day, sum(delta) FROM moved GROUP BY name, day
      ON CONFLICT (name, day) DO UPDATE SET count = tallies.count + excluded.count)
  SELECT count(*)::integer AS moved FROM moved`,
};

/** Keeps the table of changes short. The counts are exact without it; reading them would only grow slow. */
@Injectable()
export class Counters implements OnApplicationBootstrap, OnModuleDestroy {
  // A database that is away is no news of this timer's: the next turn aggregates what this one could not.
  private readonly task = new DebouncedTask(() => void this.aggregate().catch(() => undefined));

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  onModuleDestroy(): void {
    this.task.stop();
  }

  /** Told of what changes the counts. A server to which nothing happens asks the database nothing. */
  schedule(): void {
    this.task.schedule();
  }

  /** Aggregates what is committed. Several instances may call it at once. */
  async aggregate(): Promise<void> {
    for (;;) {
      const [row] = await this.database.run<{ moved: number }>(AGGREGATE, [BATCH]);
      if (row?.moved !== BATCH) return;
    }
  }
}
