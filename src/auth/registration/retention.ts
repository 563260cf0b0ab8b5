import { Injectable, Logger } from '@nestjs/common';
import { Audit } from '../../audit/audit.service.js';
import { Database } from '../../platform/database/database.js';
import { RetentionJob } from '../../platform/jobs/retention-job.js';

const BATCH = 1_000;

const REMOVE_TOKENS = `
  DELETE FROM one_time_tokens WHERE hash = ANY (ARRAY(
    SELECT hash FROM one_time_tokens WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`;

const REMOVE_REGISTRATIONS = `
  DELETE FROM users WHERE id = ANY (ARRAY(
    SELECT id FROM users u WHERE pending AND created_at < now() - interval '30 days'
      AND NOT EXISTS (SELECT FROM one_time_tokens t WHERE t.user_id = u.id AND t.expires_at > now())
    ORDER BY created_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))
  RETURNING id`;

/** Removes mailed links that are long dead, and registrations that nobody confirmed within 30 days and no link can confirm. */
@Injectable()
export class RegistrationRetention extends RetentionJob {
  constructor(
    private readonly database: Database,
    private readonly audit: Audit,
  ) {
    super('Dead links and registrations', new Logger('Accounts'));
  }

  async run(): Promise<void> {
    await this.inBatches(BATCH, () => this.removeTokens());
    await this.inBatches(BATCH, () => this.removeRegistrations());
  }

  private async removeTokens(): Promise<number> {
    const [, count] = await this.database.manager.query<[unknown[], number]>(REMOVE_TOKENS);
    return count;
  }

  private removeRegistrations(): Promise<number> {
    return this.database.transaction(async (manager) => {
      const [gone] = await manager.query<[{ id: string }[], number]>(REMOVE_REGISTRATIONS);
      const data = { unconfirmed: true };
      await this.audit.recordAll(
        gone.map(({ id }) => ({ type: 'user.deleted', actorId: null, userId: id, context: null, data })),
        manager,
      );
      return gone.length;
    });
  }
}
