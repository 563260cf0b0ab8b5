import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../platform/common/clock.js';
import { firstIdAt } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { RetentionJob } from '../platform/jobs/retention-job.js';

const BATCH = 5_000;

/** Removes sessions that are past their greatest age, and tombstones that no token can need any more. */
@Injectable()
export class SessionRetention extends RetentionJob {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super('Old sessions', new Logger(SessionRetention.name));
  }

  async run(): Promise<void> {
    // The id holds the moment it was made, so the primary key finds the old ones. A day more than needed: clocks differ.
    const oldest = firstIdAt(this.clock.now() - this.config.sessionMaxAge - 86_400_000);
    await this.inBatches(BATCH, () => this.remove(REMOVE_SESSIONS, [oldest]));
    await this.inBatches(BATCH, () => this.remove(REMOVE_TOMBSTONES, []));
  }

  private async remove(sql: string, values: unknown[]): Promise<number> {
    const [, count] = await this.database.manager.query<[unknown[], number]>(sql, values);
    return count;
  }
}

const REMOVE_SESSIONS = `
  DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE id < $1 ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;

const REMOVE_TOMBSTONES = `
  DELETE FROM session_tombstones WHERE session_id IN (
    SELECT session_id FROM session_tombstones WHERE at < now() - interval '2 days' ORDER BY at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`;
