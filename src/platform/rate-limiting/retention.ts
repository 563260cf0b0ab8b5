import { Injectable, Logger } from '@nestjs/common';
import { RetentionJob } from '../jobs/retention-job.js';

/** Each takes as $1 how many. A network without a sign-in for longer than a session can live is as unknown as any other. */
const OUTDATED = [
  `DELETE FROM guesses WHERE key = ANY (ARRAY(
    SELECT key FROM guesses WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  `DELETE FROM quotas WHERE key = ANY (ARRAY(
    SELECT key FROM quotas WHERE expire < 1000 * extract(epoch FROM now()) ORDER BY expire LIMIT $1 FOR UPDATE SKIP LOCKED))`,
  `DELETE FROM known_addresses WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM known_addresses WHERE seen_at < now() - interval '400 days'
      ORDER BY seen_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
];

/** Removes counts whose time is over, and addresses from which nobody has signed in for more than a year. */
@Injectable()
export class RateLimitRetention {
  constructor(job: RetentionJob) {
    job.register('Old counts', new Logger('Limits'), ...OUTDATED.map((sql) => job.statement(sql)));
  }
}
