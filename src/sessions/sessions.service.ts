import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { userActor } from '../access/actor.js';
import { Audit, type AuditEvent } from '../audit/audit.service.js';
import { isId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { type Page, toPage } from '../platform/http/page.js';
import { Problem } from '../platform/http/problem.js';
import type { RequestContext } from '../platform/http/request-context.js';
import { Revocations } from '../revocation/revocations.service.js';
import type { TokenSubject } from '../tokens/access-tokens.service.js';
import { hashSessionSecret, newSessionSecret } from './refresh-token.js';
import type { SessionRow, StoredSession, Tokens } from './session.js';
import * as store from './session-store.js';
import { SessionSweeper } from './session-sweeper.service.js';
import { SessionTokens } from './session-tokens.js';

/** Sessions that one audit event names at most. */
const NAMED = 100;

/** Whose session it is, read in the transaction that opens it. */
export type SessionOwner = Pick<TokenSubject, 'userId' | 'username' | 'roles' | 'tokenVersion'>;

/** One row for each signed-in device: open, renew, list, end. */
@Injectable()
export class Sessions {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly tokens: SessionTokens,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
    private readonly sweeper: SessionSweeper,
  ) {}

  /**
   * Opens a session for a user whose row the caller's transaction has locked, so that no disabling or change of
   * password slips in between. Every way to sign in ends here.
   */
  async open(
    owner: SessionOwner,
    authMethods: string[],
    context: RequestContext,
    manager: EntityManager,
  ): Promise<Tokens> {
    await this.makeRoom(owner.userId, context, manager);
    const secret = newSessionSecret();
    const { refreshTokenTtl, sessionMaxAge } = this.config;
    const [row] = await manager.query<Pick<TokenSubject, 'sessionId' | 'sessionExpiresAt' | 'authTime'>[]>(store.OPEN, [
      owner.userId,
      hashSessionSecret(secret),
      refreshTokenTtl,
      sessionMaxAge,
      authMethods,
      context.ip,
      context.userAgent,
    ]);
    if (!row) throw new Error('INSERT … RETURNING returned no row');
    return this.tokens.write({ ...owner, ...row, authMethods }, { sessionId: row.sessionId, counter: 0, secret });
  }

  /**
   * Gives the user's session fresh tokens under a new secret, so that every refresh token of it so far is dead.
   * Throws a Problem `session_revoked` where it has ended meanwhile.
   */
  async renew(sessionId: string, userId: string, context: RequestContext, manager: EntityManager): Promise<Tokens> {
    const { refreshTokenTtl, sessionMaxAge } = this.config;
    const secret = newSessionSecret();
    const [rows] = await manager.query<[(TokenSubject & { counter: number })[], number]>(store.RENEW, [
      sessionId,
      userId,
      hashSessionSecret(secret),
      refreshTokenTtl,
      sessionMaxAge,
      context.ip,
      context.userAgent,
    ]);
    const [subject] = rows;
    if (!subject) throw new Problem('session_revoked');
    return this.tokens.write(subject, { sessionId, counter: subject.counter, secret });
  }

  /** Whether the user has signed in before, but not of late on a device like this one and near there. Ask before opening. */
  async isNewDevice(userId: string, { ip, userAgent }: RequestContext, manager: EntityManager): Promise<boolean> {
    const [row] = await manager.query<{ isNew: boolean }[]>(store.IS_NEW_DEVICE, [userId, ip, userAgent]);
    return row?.isNew ?? false;
  }

  /** What is stored about the user's sessions, ended ones too, newest first: those that follow `after`. */
  storedOf(userId: string, limit: number, after: StoredSession | null): Promise<StoredSession[]> {
    return this.database.manager.query<StoredSession[]>(store.STORED_OF, [userId, after?.id ?? null, limit]);
  }

  /** The user's live sessions, newest first. `before` is the id that the last page ended with. */
  async list(userId: string, limit: number, before: string | null): Promise<Page<SessionRow>> {
    return toPage(await this.database.manager.query<SessionRow[]>(store.LIST, [userId, before, limit + 1]), limit);
  }

  /** How many live sessions the user has. */
  async countLive(userId: string): Promise<number> {
    const [row] = await this.database.run<{ count: number }>(store.COUNT_LIVE, [userId]);
    return row?.count ?? 0;
  }

  /**
   * Ends one live session: the user's, or with null anybody's. Writes the event about its owner.
   * Throws a Problem `not_found` where there is none to end; another user's counts as none.
   */
  async end(sessionId: string, userId: string | null, event: Omit<AuditEvent, 'userId'>): Promise<void> {
    if (!isId(sessionId)) throw new Problem('not_found');
    await this.database.transaction(async (manager) => {
      const [owner] = await returned(manager, store.REVOKE, [sessionId, userId]);
      if (owner === undefined) throw new Problem('not_found');
      await this.audit.record({ ...event, userId: owner, data: { ...event.data, sessionId } }, manager);
      this.database.afterCommit(manager, () => this.revocations.sessionsRevoked([sessionId]));
    });
  }

  /**
   * Ends a session that a failover may have lost with its row: without one it is not to be found, and its access tokens go on.
   * Writes the event where that was so, and it is known whose it was.
   */
  async endLost(sessionId: string, { userId, ...event }: AuditEvent): Promise<void> {
    if (this.revocations.isRevoked(sessionId)) return;
    await this.database.transaction(async (manager) => {
      if (!(await this.revocations.endLostSession(sessionId, manager)) || !userId) return;
      await this.audit.record({ ...event, userId, data: { ...event.data, sessionId } }, manager);
    });
  }

  /** Ends the user's live sessions but `keep`. Returns how many. Writes the event if there was any. */
  async endAll(userId: string, keep: string | null, event: Omit<AuditEvent, 'userId'>): Promise<number> {
    return this.database.transaction((manager) => this.endAllOnRecord(userId, keep, event, manager));
  }

  /** As `endAll`, in the caller's transaction. The event names a hundred of the sessions, the newest. */
  async endAllOnRecord(
    userId: string,
    keep: string | null,
    event: Omit<AuditEvent, 'userId'>,
    manager: EntityManager,
  ): Promise<number> {
    const [survey] = await manager.query<{ count: number; newest: string[] }[]>(store.SURVEY, [userId, keep, NAMED]);
    await this.endAllWithin(userId, keep, manager);
    if (!survey?.count) return 0;
    const data = { ...event.data, revoked: survey.count, sessionIds: survey.newest };
    await this.audit.record({ ...event, userId, data }, manager);
    return survey.count;
  }

  /** Ends the user's sessions but `keep` in the caller's transaction: one small write, however many there are. */
  async endAllWithin(userId: string, keep: string | null, manager: EntityManager): Promise<void> {
    const [ended] = await manager.query<{ floor: string | null }[]>(store.END_ALL, [userId, keep]);
    if (ended?.floor) await this.takeEndsWithin(manager);
    else await this.revocations.endLostUser(userId, keep, manager);
  }

  /** Told by the caller's transaction where a statement has raised a floor, so that this instance need not wait to hear of it. */
  async takeEndsWithin(manager: EntityManager): Promise<void> {
    await this.revocations.takeWithin(manager);
    this.database.afterCommit(manager, () => this.sweeper.schedule());
  }

  /** Removes every session of the user, ended ones too, in the caller's transaction. None of their devices is known any more. */
  async removeAllWithin(userId: string, manager: EntityManager): Promise<void> {
    await this.endAllWithin(userId, null, manager);
    await manager.query(store.REMOVE_ALL, [userId]);
  }

  /** Ends sessions of a user who is about to have one more than `SESSIONS_PER_USER`, and writes down why. */
  private async makeRoom(userId: string, context: RequestContext, manager: EntityManager): Promise<void> {
    const values = [userId, this.config.sessionsPerUser];
    const [ended] = await manager.query<[{ id: string; expired: boolean }[], number]>(store.MAKE_ROOM, values);
    if (ended.length === 0) return;
    const actor = userActor(userId, context);
    const events = ended
      .filter(({ expired }) => !expired)
      .map(({ id }) => ({
        type: 'session.revoked' as const,
        actor,
        userId,
        data: { sessionId: id, reason: 'sessions_per_user' },
      }));
    await this.audit.recordAll(events, manager);
    this.database.afterCommit(manager, () => this.revocations.sessionsRevoked(ended.map(({ id }) => id)));
  }
}

/** The ids that an UPDATE … RETURNING gave; TypeORM returns [rows, count] for it. */
async function returned(manager: EntityManager, sql: string, values: unknown[]): Promise<string[]> {
  const [rows] = await manager.query<[{ id: string }[], number]>(sql, values);
  return rows.map((row) => row.id);
}
