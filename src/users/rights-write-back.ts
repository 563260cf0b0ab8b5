import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import type { KnownRights } from '../revocation/revocation-list.js';
import { Revocations } from '../revocation/revocations.service.js';
import { LOCK_RIGHTS } from '../roles/rights-lock.js';
import { FORGOTTEN_RIGHTS, GIVE_MISSING_ROLES, RAISE_VERSION, TAKE_OTHER_ROLES } from './user-store.js';

const BATCH = 1_000;

interface Forgotten {
  id: string;
  /** The roles were changed again since, by somebody who saw what the database has now. */
  changedSince: boolean;
}

/**
 * Changes roles again where a database has forgotten that they were changed: a failover may lose its last commits. A role
 * that was taken stays taken for all, as long as one instance that heard of it lives.
 */
@Injectable()
export class RightsWriteBack {
  private readonly logger = new Logger(RightsWriteBack.name);

  constructor(
    private readonly database: Database,
    private readonly revocations: Revocations,
    feed: DatabaseFeed,
  ) {
    feed.onSetBack((since) => this.writeBack(since));
  }

  private async writeBack(since: string): Promise<void> {
    let restored = 0;
    for (const known of inBatches(this.revocations.changedRights(), BATCH)) {
      const forgotten = await this.forgotten(known, since, this.database.manager);
      if (forgotten.length > 0) restored += await this.restore(known, since);
    }
    if (restored > 0)
      this.logger.warn(`The database had lost changes to the roles of ${restored} users: they are made again`);
  }

  private forgotten(known: KnownRights[], since: string, manager: EntityManager): Promise<Forgotten[]> {
    const values = [known.map(({ userId }) => userId), known.map(({ ver }) => ver), since];
    return manager.query<Forgotten[]>(FORGOTTEN_RIGHTS, values);
  }

  private restore(known: KnownRights[], since: string): Promise<number> {
    return this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS);
      const forgotten = new Map((await this.forgotten(known, since, manager)).map((row) => [row.id, row]));
      for (const { userId, ver, roles } of known) {
        const row = forgotten.get(userId);
        if (!row) continue;
        if (roles && !row.changedSince) {
          await manager.query(TAKE_OTHER_ROLES, [userId, roles]);
          await manager.query(GIVE_MISSING_ROLES, [userId, roles]);
        }
        await manager.query(RAISE_VERSION, [userId, ver]);
      }
      return forgotten.size;
    });
  }
}
