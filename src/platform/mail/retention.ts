import { Injectable, Logger } from '@nestjs/common';
import { RetentionJob } from '../jobs/retention-job.js';
import { FORGET_KEPT } from './mail-store.js';

/** Clears the development outbox of what nobody looks for any more. */
@Injectable()
export class MailRetention {
  constructor(job: RetentionJob) {
    job.register('Old mails of the development outbox', new Logger('Mail'), job.statement(FORGET_KEPT));
  }
}
