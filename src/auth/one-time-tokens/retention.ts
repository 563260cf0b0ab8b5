import { Injectable, Logger } from '@nestjs/common';
import { RetentionJob } from '../../platform/jobs/retention-job.js';

/** $1 how many */
const REMOVE_TOKENS = `
  DELETE FROM one_time_tokens WHERE hash = ANY (ARRAY(
    SELECT hash FROM one_time_tokens WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`;

/** Removes tokens that have been dead for a day. */
@Injectable()
export class OneTimeTokenRetention {
  constructor(job: RetentionJob) {
    job.register('Dead links', new Logger('Accounts'), job.statement(REMOVE_TOKENS));
  }
}
