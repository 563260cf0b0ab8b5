import { Injectable, Logger } from '@nestjs/common';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { Revocations } from '../revocation/revocations.service.js';

const BATCH = 1_000;

/** $1 ids */
const END_AGAIN = 'UPDATE sessions SET revoked_at = now() WHERE id = ANY ($1::uuid[]) AND revoked_at IS NULL';

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
    feed: DatabaseFeed,
  ) {
    feed.onSetBack(() => this.writeBack());
  }

  private async writeBack(): Promise<void> {
    for (const epoch of this.revocations.known.raisedEpochs()) await this.database.manager.query(RAISE_EPOCH, epoch);
    let ended = 0;
    for (const ids of inBatches(this.revocations.known.endedSessions(), BATCH)) {
      const [, count] = await this.database.manager.query<[unknown[], number]>(END_AGAIN, [ids]);
      ended += count;
    }
    if (ended > 0) this.logger.warn(`The database had lost the end of ${ended} sessions: they are ended again`);
  }
}
