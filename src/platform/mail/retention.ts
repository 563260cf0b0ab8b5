import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RetentionJob } from '../jobs/retention-job.js';
import { FORGET_KEPT } from './mail-store.js';

/** Clears the development outbox of what nobody looks for any more. */
@Injectable()
export class MailRetention extends RetentionJob {
  constructor(private readonly database: Database) {
    super('Old mails of the development outbox', new Logger('Mail'));
  }

  async run(): Promise<void> {
    await this.database.manager.query(FORGET_KEPT);
  }
}
