import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import type { KnownUser } from '../revocation/revocation-list.js';
import { Revocations } from '../revocation/revocations.service.js';
import { LOCK_RIGHTS } from '../roles/rights-lock.js';
import * as store from './user-store.js';

const BATCH = 1_000;

interface Forgotten {
  id: string;
  /** The roles were changed again since, by somebody who saw what the database has now. */
  changedSince: boolean;
}

/**
 * Changes users again where a database has forgotten that they were changed: a failover may lose its last commits. A role
 * that was taken stays taken, a disabled user disabled and an ended session ended, as long as one instance that heard of it lives.
 */
@Injectable()
export class UserWriteBack {
  private readonly logger = new Logger(UserWriteBack.name);

  constructor(
    private readonly database: Database,
    private readonly revocations: Revocations,
    feed: DatabaseFeed,
  ) {
    feed.onSetBack((since) => this.writeBack(since));
  }

  private async writeBack(since: string): Promise<void> {
    const counts = { 'ended sessions': 0, 'changed roles': 0, disabled: 0 };
    counts['ended sessions'] = await this.raiseFloors();
    for (const known of inBatches(this.revocations.known.changedUsers(), BATCH)) {
      if ((await this.forgotten(known, since, this.database.manager)).length > 0)
        counts['changed roles'] += await this.restoreRights(known, since);
      const disabled = known.filter((user) => user.disabled).map(({ userId }) => userId);
      counts.disabled += await this.count(store.DISABLE_AGAIN, [disabled, since]);
    }
    for (const [what, count] of Object.entries(counts))
      if (count > 0)
        this.logger.warn(`The database had lost of ${count} users that they were changed (${what}): they are again`);
  }

  /** Of all sessions of a user, the rows follow by the trigger of the floor. */
  private async raiseFloors(): Promise<number> {
    const { known } = this.revocations;
    const keptBelow = new Map<number, string[]>();
    for (const [sessionId, moment] of known.keptSessions())
      keptBelow.set(moment, [...(keptBelow.get(moment) ?? []), sessionId]);
    let raised = 0;
    for (const floors of inBatches(known.raisedFloors(), BATCH)) {
      const moments = floors.map(([, moment]) => moment);
      const kept = [...new Set(moments)].flatMap((moment) => keptBelow.get(moment) ?? []);
      raised += await this.count(store.RAISE_FLOORS, [floors.map(([userId]) => userId), moments, kept]);
    }
    return raised;
  }

  private async count(sql: string, values: unknown[]): Promise<number> {
    const [, count] = await this.database.manager.query<[unknown[], number]>(sql, values);
    return count;
  }

  private forgotten(known: KnownUser[], since: string, manager: EntityManager): Promise<Forgotten[]> {
    const values = [known.map(({ userId }) => userId), known.map(({ ver }) => ver), since];
    return manager.query<Forgotten[]>(store.FORGOTTEN_RIGHTS, values);
  }

  private restoreRights(known: KnownUser[], since: string): Promise<number> {
    return this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS);
      const forgotten = new Map((await this.forgotten(known, since, manager)).map((row) => [row.id, row]));
      for (const { userId, ver, roles } of known) {
        const row = forgotten.get(userId);
        if (!row) continue;
        if (roles && !row.changedSince) {
          await manager.query(store.TAKE_OTHER_ROLES, [userId, roles]);
          await manager.query(store.GIVE_MISSING_ROLES, [userId, roles]);
        }
        await manager.query(store.RAISE_VERSION, [userId, ver]);
      }
      return forgotten.size;
    });
  }
}
