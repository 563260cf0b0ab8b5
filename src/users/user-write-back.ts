import { Injectable, Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SYSTEM } from '../access/actor.js';
import { Audit, type AuditType } from '../audit/audit.service.js';
import { SET_BACK_REASON } from '../audit/audit-set-back.js';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import type { KnownUser } from '../revocation/revocation-list.js';
import { Revocations } from '../revocation/revocations.service.js';
import { LOCK_RIGHTS } from '../roles/rights-lock.js';
import * as store from './user-store.js';

/** Users in one statement, which has to be done within the limit of one: each brings triggers and rows of sessions along. */
const BATCH = 50;

interface Forgotten {
  id: string;
  /** The roles were changed again since by a person, who saw what the database has now. */
  changedSince: boolean;
  before: string[];
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
    private readonly audit: Audit,
    feed: DatabaseFeed,
  ) {
    feed.onSetBack((since) => this.writeBack(since));
  }

  private async writeBack(since: string): Promise<void> {
    const counts = { 'ended sessions': 0, 'changed roles': 0, disabled: 0 };
    counts['ended sessions'] = await this.raiseFloors();
    for (const known of inBatches(
      sorted(this.revocations.known.changedUsers(), ({ userId }) => userId),
      BATCH,
    )) {
      if ((await this.forgotten(known, since, this.database.manager)).length > 0)
        counts['changed roles'] += await this.restoreRights(known, since);
      const disabled = known.filter((user) => user.disabled).map(({ userId }) => userId);
      counts.disabled += await this.change('user.disabled', store.DISABLE_AGAIN, [disabled]);
    }
    this.revocations.forgetOrder();
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
    for (const floors of inBatches(
      sorted(known.raisedFloors(), ([userId]) => userId),
      BATCH,
    )) {
      const moments = floors.map(([, moment]) => moment);
      // Each with its floor: one of another user may be of the same millisecond.
      const kept = [...new Set(moments)].flatMap((moment) =>
        (keptBelow.get(moment) ?? []).map((sessionId) => ({ sessionId, moment })),
      );
      raised += await this.change('session.revoked', store.RAISE_FLOORS, [
        floors.map(([userId]) => userId),
        moments,
        kept.map(({ sessionId }) => sessionId),
        kept.map(({ moment }) => moment),
      ]);
    }
    return raised;
  }

  /** Changes users and writes down of each that it was changed, or nothing. Returns how many. */
  private async change(type: AuditType, sql: string, values: [userIds: string[], ...unknown[]]): Promise<number> {
    if (values[0].length === 0) return 0;
    return this.database.transaction(async (manager) => {
      await manager.query(store.LOCK_ALL, [values[0]]);
      const [changed] = await manager.query<[{ id: string }[], number]>(sql, values);
      await this.audit.recordAll(
        changed.map(({ id }) => ({ type, actor: SYSTEM, userId: id, data: { reason: SET_BACK_REASON } })),
        manager,
      );
      return changed.length;
    });
  }

  private forgotten(known: KnownUser[], since: string, manager: EntityManager): Promise<Forgotten[]> {
    const roles = known.map((user) => user.roles?.join(' ') ?? null);
    const values = [known.map(({ userId }) => userId), known.map(({ ver }) => ver), roles, since];
    return manager.query<Forgotten[]>(store.FORGOTTEN_RIGHTS, values);
  }

  private restoreRights(known: KnownUser[], since: string): Promise<number> {
    return this.database.transaction(async (manager) => {
      await manager.query(LOCK_RIGHTS);
      const forgotten = new Map((await this.forgotten(known, since, manager)).map((row) => [row.id, row]));
      for (const { userId, ver, roles } of known) {
        const row = forgotten.get(userId);
        if (!row) continue;
        if (row.changedSince) {
          // What they decided stands, and no token of the version that was lost outlives it.
          await manager.query(store.RAISE_VERSION, [userId, ver + 1]);
          continue;
        }
        if (roles) {
          await manager.query(store.TAKE_OTHER_ROLES, [userId, roles]);
          await manager.query(store.GIVE_MISSING_ROLES, [userId, roles]);
          await this.recordRoles(userId, row.before, manager);
        }
        await manager.query(store.RAISE_VERSION, [userId, ver]);
        await manager.query(store.MARK_RESTORED, [userId, since]);
      }
      return forgotten.size;
    });
  }

  private async recordRoles(userId: string, before: string[], manager: EntityManager): Promise<void> {
    const [now] = await manager.query<{ roles: string[] }[]>(store.ROLES_OF, [userId]);
    const roles = now?.roles ?? [];
    if (roles.join(' ') === before.join(' ')) return;
    const data = { roles, before, reason: SET_BACK_REASON };
    await this.audit.record({ type: 'user.roles_changed', actor: SYSTEM, userId, data }, manager);
  }
}

/** In one order on every instance, so that two that write back at once do not wait for each other. */
function sorted<T>(items: Iterable<T>, idOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}
