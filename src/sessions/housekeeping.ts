import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { firstIdAt } from '../common/id.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';
import { Database } from '../database/database.js';

const EVERY = 3_600_000;
const BATCH = 5_000;

/** Removes sessions that are past their greatest age, and tombstones that no token can need any more. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Housekeeping.name);
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const tidy = () =>
      void this.tidy().catch((error) => {
        if (!this.stopped) this.logger.warn(`Old sessions could not be removed: ${error}`);
      });
    this.timer = setInterval(tidy, EVERY).unref();
    tidy();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** Removes what is out of date, in batches that hold no lock for long. Several instances may do it at once. */
  async tidy(): Promise<void> {
    // The id holds the moment it was made, so the primary key finds the old ones. A day more than needed: clocks differ.
    const oldest = firstIdAt(this.clock.now() - this.config.sessionMaxAge - 86_400_000);
    await this.removeInBatches('sessions', 'id', 'id < $1', [oldest]);
    await this.removeInBatches('session_tombstones', 'session_id', `at < now() - interval '2 days'`, []);
  }

  private async removeInBatches(table: string, key: string, condition: string, values: unknown[]): Promise<void> {
    const some = `SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
    for (let count = BATCH; count === BATCH && !this.stopped; ) {
      const sql = `DELETE FROM ${table} WHERE ${key} IN (${some})`;
      [, count] = await this.database.manager.query<[unknown[], number]>(sql, values);
    }
  }
}
