import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from './database.js';

const EVERY = 5_000;

/** Any number: one instance folds at a time. */
const FOLD_LOCK = 4_711_005;

/**
 * Folds the changes into the tallies.
 * What is moved leaves the one table and enters the other in one commit, so a sum over both is exact at every moment.
 */
const FOLD = {
  name: 'tallies-fold',
  text: `
  WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(${FOLD_LOCK}) AS held),
    moved AS (DELETE FROM tally_changes WHERE (SELECT held FROM turn) RETURNING name, day, delta)
  INSERT INTO tallies SELECT name, day, sum(delta) FROM moved GROUP BY name, day
  ON CONFLICT (name, day) DO UPDATE SET count = tallies.count + excluded.count`,
};

/** Keeps the table of changes short. The counts are exact without it; reading them would only grow slow. */
@Injectable()
export class Tallies implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  onApplicationBootstrap(): void {
    // A database that is away is no news of this timer's: the next turn folds what the last one could not.
    this.timer = setInterval(() => void this.fold().catch(() => undefined), EVERY).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Folds what is committed. Several instances may call it at once. */
  async fold(): Promise<void> {
    await this.database.run(FOLD, []);
  }
}
