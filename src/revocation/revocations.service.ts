import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Principal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import type { Change } from '../platform/database/feed/change-feed.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { type ChangeRow, changesIn, OWN_CHANGES } from '../platform/database/feed/look.js';
import { BELIEVED, IS_BELIEVED, Pulse } from '../platform/database/feed/pulse.js';
import { ReplicatedTable } from '../platform/database/feed/replicated-table.js';
import { Problem, type ProblemCode } from '../platform/http/problem.js';
import { BELOW_FLOOR } from './below-floor.js';
import { RING, TELL_FLOOR_NOW, TELL_SESSIONS } from './lost-ends.js';
import { PastChanges } from './past-changes.js';
import { RevocationList } from './revocation-list.js';
import { momentOf, type SessionOfUser } from './session-floors.js';

/** Milliseconds for which a database that did not answer is not asked again. */
const PAUSE = 1_000;
/** Milliseconds for the one request that asks again after the pause; until then the others go by the last outcome. */
const PROBE = 4_000;

/** $1 session, $2 roles that the token names, $3 when it was minted, in seconds since the epoch */
const ASK = {
  name: 'revocation-ask-with-roles',
  text: `
  SELECT ${IS_BELIEVED} AS believed, s.revoked_at IS NOT NULL OR ${BELOW_FLOOR} AS revoked, u.ver,
    EXISTS (SELECT FROM role_removals d WHERE d.role = ANY ($2::text[]) AND d.at + interval '5 s' > to_timestamp($3::float8)) AS outdated
  FROM (SELECT) AS once LEFT JOIN sessions s ON s.id = $1 LEFT JOIN users u ON u.id = s.user_id`,
};

interface Asked {
  believed: boolean;
  revoked: boolean;
  /** Null where there is no such session. */
  ver: number | null;
  /** Whether a role that the token names was removed since it was minted. */
  outdated: boolean;
}

/** Thrown in place of asking a database that did not answer a moment ago, or of believing one without a pulse. */
class DatabaseSilentError extends Error {}

/**
 * Keeps the revocation list synchronized with the database and answers for it. While the feed is lost for longer than
 * 5 s each request asks the database; when that is gone too, `REVOCATION_FALLBACK` decides.
 */
@Injectable()
export class Revocations {
  private readonly table: ReplicatedTable;
  private silentUntil = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    feed: DatabaseFeed,
    private readonly pulse: Pulse,
    private readonly list: RevocationList,
    private readonly clock: Clock,
    past: PastChanges,
  ) {
    const take = (change: Change) => this.take(change);
    this.table = new ReplicatedTable(feed, clock, {
      name: 'revocations',
      changes: { session: take, user: take, epoch: take, role: take },
      // What is in memory already stays: an entry never has to be taken back, and it lapses by itself.
      read: () => past.read(['session', 'user', 'epoch', 'role'], list.span, take),
    });
    this.table.follow();
  }

  /** Whether the list may be trusted by itself; then `refusal` is all there is to ask. */
  get isSynchronized(): boolean {
    return this.table.lagMs <= BELIEVED;
  }

  /** Whether checks of tokens go on as they are meant to, now and without the database. */
  get canBeTrusted(): boolean {
    return this.isSynchronized || this.config.revocationFallback === 'allow';
  }

  /** Why the list refuses this principal, or null. Memory only. */
  refusal(principal: Principal): ProblemCode | null {
    return this.list.refusal(principal);
  }

  /** Whether this instance knows that the session has ended, of it alone. Memory only. */
  isRevoked(sessionId: string): boolean {
    return this.list.isRevoked(sessionId);
  }

  /** Whether this instance knows that the session has ended, by itself or with others. Memory only. */
  hasEnded(session: SessionOfUser): boolean {
    return this.list.hasEnded(session);
  }

  /**
   * Asks the database about one principal, for the time when the feed is lost.
   * Throws a Problem `database_unavailable` where it cannot be reached, or not be believed, and the setting is `deny`.
   */
  async ask(principal: Principal): Promise<ProblemCode | null> {
    try {
      if (this.clock.elapsed() < this.silentUntil) throw new DatabaseSilentError();
      if (this.silentUntil > 0) this.silentUntil = this.clock.elapsed() + PROBE;
      const { revoked, ver, outdated } = await this.askBelieved(principal);
      this.silentUntil = 0;
      if (ver === null || revoked) return 'session_revoked';
      return outdated || ver > principal.tokenVersion ? 'token_stale' : null;
    } catch (cause) {
      if (!(cause instanceof DatabaseSilentError)) this.silentUntil = this.clock.elapsed() + PAUSE;
      if (this.config.revocationFallback === 'deny') throw new Problem('database_unavailable', { cause });
      return null;
    }
  }

  /** Told by the module that ended sessions itself, each of them alone, so that this instance need not wait for the feed. */
  sessionsRevoked(ids: string[]): void {
    for (const id of ids) this.list.revokeSession(id);
  }

  /**
   * Takes whatever the caller's transaction has changed so far once it has committed. This instance then knows all of it
   * before anybody is told that it was done, and can write it back where the database dies before the feed brings it.
   */
  async takeWithin(manager: EntityManager): Promise<void> {
    const changes = changesIn(await manager.query<ChangeRow[]>(OWN_CHANGES));
    this.database.afterCommit(manager, () => {
      for (const change of changes) this.take(change);
    });
  }

  /**
   * Ends, in the caller's transaction, a session of which the database has no row: a failover lost it, and its access tokens go
   * on. Returns whether that was to be done.
   */
  endLostSession(sessionId: string, manager: EntityManager): Promise<boolean> {
    return this.tell(TELL_SESSIONS, [[sessionId]], manager);
  }

  /** The same for all sessions, but `keep`, of a user whom a failover lost. */
  endLostUser(userId: string, keep: string | null, manager: EntityManager): Promise<boolean> {
    return this.tell(TELL_FLOOR_NOW, [userId, keep], manager);
  }

  /** A user's version as far as this instance has heard of it of late, or 0. A database that was set back may have a lower one. */
  versionOf(userId: string): number {
    return this.list.versionOf(userId);
  }

  /** Told once a database that was set back knows again what this instance knew. */
  forgetOrder(): void {
    this.list.forgetOrder();
  }

  /** What this instance knows, by which a database that forgot some of it can be told. */
  get known(): Pick<
    RevocationList,
    'endedSessions' | 'changedUsers' | 'raisedFloors' | 'keptSessions' | 'raisedEpochs'
  > {
    return this.list;
  }

  private async tell(sql: string, values: unknown[], manager: EntityManager): Promise<boolean> {
    if ((await manager.query<unknown[]>(sql, values)).length === 0) return false;
    await manager.query(RING);
    await this.takeWithin(manager);
    return true;
  }

  private take({ number, kind, id, ver, roles, floor, kept, disabled }: Change): void {
    if (kind === 'epoch' && floor !== null) this.list.raiseEpoch(roles?.[0] ?? null, floor);
    if (kind === 'role' && floor !== null && roles?.[0] !== undefined) this.list.removeRole(roles[0], momentOf(floor));
    if (id === null) return;
    if (floor !== null) this.list.raiseFloor(id, floor, kept);
    if (kind === 'session') this.list.revokeSession(id);
    if (kind !== 'user' || ver === null) return;
    if (roles === null) this.list.raiseVersion(id, ver);
    else this.list.remember(id, ver, number, { roles, disabled: disabled ?? false });
  }

  /** What a database says counts while its pulse is fresh. Where none has come it may prove at once that it commits. */
  private async askBelieved({ sessionId, roles, issuedAt }: Principal): Promise<Asked> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const [asked] = await this.database.run<Asked>(ASK, [sessionId, roles, issuedAt / 1000]);
      if (asked?.believed) return asked;
      await this.pulse.beat();
    }
    throw new Error('The database answers but commits nothing');
  }
}
