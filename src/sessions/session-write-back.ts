import { Injectable, Logger } from '@nestjs/common';
import { SYSTEM } from '../access/actor.js';
import { Audit } from '../audit/audit.service.js';
import { SET_BACK_REASON } from '../audit/audit-set-back.js';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { Revocations } from '../revocation/revocations.service.js';

const BATCH = 1_000;

/** $1 ids */
const END_AGAIN = `
  UPDATE sessions SET revoked_at = now() WHERE id = ANY ($1::uuid[]) AND revoked_at IS NULL RETURNING id, user_id AS "userId"`;

/** Sessions that one audit event names at most. */
const NAMED = 100;

/** $1 role or null, $2 floor */
const RAISE_EPOCH = `
  INSERT INTO epochs AS e (role, floor) SELECT $1, $2::uuid WHERE $1::text IS NULL OR EXISTS (SELECT FROM roles WHERE name = $1)
  ON CONFLICT (role) DO UPDATE SET floor = excluded.floor WHERE e.floor < excluded.floor`;

/**
 * Ends again what a database has forgotten to have ended: a failover may lose its last commits. What this instance heard
 * of stays so for all, as long as it lives.
 */
@Injectable()
export class SessionWriteBack {
  private readonly logger = new Logger(SessionWriteBack.name);

  constructor(
    private readonly database: Database,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
    feed: DatabaseFeed,
  ) {
    feed.onSetBack(() => this.writeBack());
  }

  private async writeBack(): Promise<void> {
    for (const epoch of this.revocations.known.raisedEpochs()) await this.database.manager.query(RAISE_EPOCH, epoch);
    let ended = 0;
    for (const ids of inBatches(this.revocations.known.endedSessions(), BATCH)) ended += await this.endAgain(ids);
    if (ended > 0) this.logger.warn(`The database had lost the end of ${ended} sessions: they are ended again`);
  }

  /** Writes down one event for each user. */
  private endAgain(ids: string[]): Promise<number> {
    return this.database.transaction(async (manager) => {
      const [ended] = await manager.query<[{ id: string; userId: string }[], number]>(END_AGAIN, [ids]);
      const byUser = new Map<string, string[]>();
      for (const { id, userId } of ended) byUser.set(userId, [...(byUser.get(userId) ?? []), id]);
      const events = [...byUser].map(([userId, own]) => ({
        type: 'session.revoked' as const,
        actor: SYSTEM,
        userId,
        data: { reason: SET_BACK_REASON, revoked: own.length, sessionIds: own.slice(0, NAMED) },
      }));
      await this.audit.recordAll(events, manager);
      return ended.length;
    });
  }
}
