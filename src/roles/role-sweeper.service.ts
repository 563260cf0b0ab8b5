import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Actor, SYSTEM } from '../access/actor.js';
import { Audit } from '../audit/audit.service.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { DebouncedTask } from '../platform/jobs/debounced-task.js';
import { RetentionJob } from '../platform/jobs/retention-job.js';
import { Revocations } from '../revocation/revocations.service.js';

/** Holders in one transaction: none of them holds its locks for long. */
const BATCH = 1_000;

/** Those of another instance are left to it. */
const CLAIM = `
  SELECT number, role, actor FROM role_removals WHERE swept_at IS NULL ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED`;

/** Users before what is theirs, in one order, as everything locks them. $1 role, $2 number, $3 how many */
const LOCK_SOME = `
  SELECT id FROM users
  WHERE id = ANY (ARRAY(SELECT user_id FROM user_roles WHERE role = $1 AND number <= $2 ORDER BY user_id LIMIT $3))
  ORDER BY id FOR NO KEY UPDATE`;

/** $1 role, $2 number, $3 users */
const TAKE = `
  DELETE FROM user_roles WHERE role = $1 AND number <= $2 AND user_id = ANY ($3::uuid[]) RETURNING user_id AS "userId"`;

/** The actor stands in the audit log from here on, and nowhere else. $1 number */
const CLOSE = 'UPDATE role_removals SET swept_at = now(), actor = NULL WHERE number = $1';

/** Who removes the role in this very transaction; a removal by SQL before it keeps no name. $1 role, $2 actor as JSON */
const SIGN =
  'UPDATE role_removals SET actor = $2 WHERE role = $1 AND swept_at IS NULL AND actor IS NULL AND at >= now()';

/** No token lives longer than a day. $1 how many */
const FORGET = `
  DELETE FROM role_removals WHERE number IN (
    SELECT number FROM role_removals WHERE swept_at < now() - interval '2 days' ORDER BY number LIMIT $1)`;

interface Removal {
  number: string;
  role: string;
  actor: Actor | null;
}

/**
 * Takes a role that was removed from those who held it, piece by piece, and writes that down for each. Nobody waits for it:
 * their rows are dead, whatever is made of the name meanwhile. Several instances may sweep at once.
 */
@Injectable()
export class RoleSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RoleSweeper.name);
  private readonly task = new DebouncedTask(() => this.run());
  private isFailing = false;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
    feed: DatabaseFeed,
    job: RetentionJob,
  ) {
    feed.on('role', () => this.task.schedule());
    job.register('Old removals of roles', this.logger, job.statement(FORGET));
  }

  /** Also looks for what a server that died has left. */
  onApplicationBootstrap(): void {
    this.task.start();
    this.task.schedule();
  }

  onModuleDestroy(): void {
    this.isStopped = true;
    this.task.stop();
  }

  /** Notes, in the transaction that removes a role, in whose name the rest is swept. */
  async sign(role: string, actor: Actor, manager: EntityManager): Promise<void> {
    await manager.query(SIGN, [role, JSON.stringify(actor)]);
  }

  /** Writes down that these users have lost the role. */
  record(role: string, holders: { userId: string }[], actor: Actor, manager: EntityManager): Promise<void> {
    const events = holders.map(({ userId }) => {
      return { type: 'user.roles_changed' as const, actor, userId, data: { removed: [role] } };
    });
    return this.audit.recordAll(events, manager);
  }

  /** Sweeps until nothing is left to take. */
  async sweep(): Promise<void> {
    while (!this.isStopped && (await this.sweepSome()));
  }

  private sweepSome(): Promise<boolean> {
    return this.database.transaction(async (manager) => {
      const [removal] = await manager.query<Removal[]>(CLAIM);
      if (!removal) return false;
      const { number, role, actor } = removal;
      const ids = (await manager.query<{ id: string }[]>(LOCK_SOME, [role, number, BATCH])).map(({ id }) => id);
      const [holders] = await manager.query<[{ userId: string }[], number]>(TAKE, [role, number, ids]);
      await this.record(role, holders, actor ?? SYSTEM, manager);
      if (ids.length < BATCH) await manager.query(CLOSE, [number]);
      await this.revocations.takeWithin(manager);
      return true;
    });
  }

  private async run(): Promise<void> {
    try {
      await this.sweep();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing && !this.isStopped)
        this.logger.warn(`Removed roles cannot be swept; trying again (${error})`);
      this.isFailing = true;
      this.task.schedule();
    }
  }
}
