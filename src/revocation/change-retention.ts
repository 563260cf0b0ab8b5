import { Injectable, Logger } from '@nestjs/common';
import { RetentionJob } from '../platform/jobs/retention-job.js';

/** $1 how many */
const REMOVE_CHANGES = `
  DELETE FROM changes WHERE number IN (
    SELECT number FROM changes WHERE at < now() - interval '2 days' ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)`;

/** Removes changes that no token can need any more: the longest lives a day. */
@Injectable()
export class ChangeRetention {
  constructor(job: RetentionJob) {
    job.register('Old changes', new Logger(ChangeRetention.name), job.statement(REMOVE_CHANGES));
  }
}
