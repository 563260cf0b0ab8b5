import { Injectable, Logger } from '@nestjs/common';
import { SYSTEM } from '../../access/actor.js';
import { Audit } from '../../audit/audit.service.js';
import { Database } from '../../platform/database/database.js';
import { RetentionJob } from '../../platform/jobs/retention-job.js';

/** $1 how many */
const REMOVE_REGISTRATIONS = `
  DELETE FROM users WHERE id = ANY (ARRAY(
    SELECT id FROM users u WHERE pending AND created_at < now() - interval '30 days'
      AND NOT EXISTS (SELECT FROM one_time_tokens t WHERE t.owner_id = u.id AND t.expires_at > now())
    ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED))
  RETURNING id`;

/** Removes registrations that nobody confirmed within 30 days and no link can confirm. */
@Injectable()
export class RegistrationRetention {
  constructor(
    job: RetentionJob,
    private readonly database: Database,
    private readonly audit: Audit,
  ) {
    job.register('Dead registrations', new Logger('Accounts'), (batch) => this.remove(batch));
  }

  private remove(batch: number): Promise<number> {
    return this.database.transaction(async (manager) => {
      const [gone] = await manager.query<[{ id: string }[], number]>(REMOVE_REGISTRATIONS, [batch]);
      const data = { unconfirmed: true };
      await this.audit.recordAll(
        gone.map(({ id }) => ({ type: 'user.deleted', actor: SYSTEM, userId: id, data })),
        manager,
      );
      return gone.length;
    });
  }
}
