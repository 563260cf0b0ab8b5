import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RetentionJob } from '../jobs/retention-job.js';

const BATCH = 5_000;

/** A network from which nobody has signed in for longer than a session can live is as unknown as any other. */
const OUTDATED = [
  `DELETE FROM guesses WHERE key = ANY (ARRAY(
    SELECT key FROM guesses WHERE expires_at < now() ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
  `DELETE FROM quotas WHERE key = ANY (ARRAY(
    SELECT key FROM quotas WHERE expire < 1000 * extract(epoch FROM now()) ORDER BY expire LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
  `DELETE FROM known_addresses WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM known_addresses WHERE seen_at < now() - interval '400 days'
      ORDER BY seen_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
];

/** Removes counts whose time is over, and addresses from which nobody has signed in for more than a year. */
@Injectable()
export class RateLimitRetention extends RetentionJob {
  constructor(private readonly database: Database) {
    super('Old counts', new Logger('Limits'));
  }

  async run(): Promise<void> {
    for (const statement of OUTDATED) await this.inBatches(BATCH, () => this.remove(statement));
  }

  private async remove(statement: string): Promise<number> {
    const [, count] = await this.database.manager.query<[unknown[], number]>(statement);
    return count;
  }
}
