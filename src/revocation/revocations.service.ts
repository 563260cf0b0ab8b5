import { Inject, Injectable } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import { isId } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { Database } from '../platform/database/database.js';
import { DatabaseListener } from '../platform/database/listener.js';
import { ReplicatedTable } from '../platform/database/replicated-table.js';
import { Problem, type ProblemCode } from '../platform/http/problem.js';
import { RevocationList } from './revocation-list.js';

/** Milliseconds of silence on the link after which the list alone is no longer trusted. */
const TRUSTED_LAG = 5_000;
/** Milliseconds for which a database that did not answer is not asked again. */
const PAUSE = 1_000;
/** Milliseconds for the one request that asks again after the pause; until then the others go by the last outcome. */
const PROBE = 4_000;
const BATCH = 20_000;
/** Seconds that a transaction may have been open before its commit: rows tell when they were written, not when committed. */
const LONGEST_TRANSACTION = 600;

const ASK = {
  name: 'revocation-ask',
  text: `SELECT s.revoked_at IS NOT NULL AS revoked, u.ver FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
};

/** Thrown in place of asking a database that did not answer a moment ago. */
class DatabaseSilentError extends Error {}

/**
 * Keeps the revocation list synchronized with the database and answers for it. While the link is lost for longer than
 * 5 s each request asks the database; when that is gone too, `REVOCATION_FALLBACK` decides.
 */
@Injectable()
export class Revocations {
  private readonly table: ReplicatedTable;
  private silentUntil = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly listener: DatabaseListener,
    private readonly list: RevocationList,
    private readonly clock: Clock,
  ) {
    this.table = new ReplicatedTable(listener, clock, {
      name: 'revocations',
      // Every role of the database may notify, so a text that is not an id or a version is passed over.
      changes: {
        session: (id) => {
          if (isId(id)) list.revokeSession(id);
        },
        user: (text) => {
          const [id = '', ver = ''] = text.split(' ');
          if (isId(id) && isVersion(ver)) list.raiseVersion(id, Number(ver));
        },
      },
      read: () => this.readAll(),
    });
    this.table.follow();
  }

  /** Whether the list may be trusted by itself; then `refusal` is all there is to ask. */
  get isSynchronized(): boolean {
    return this.table.lagMs <= TRUSTED_LAG;
  }

  /** Whether the link stands right now and everything committed has been heard. */
  get isLinkSynchronized(): boolean {
    return this.listener.isSynchronized;
  }

  /** Why the list refuses this principal, or null. Memory only. */
  refusal(principal: Principal): ProblemCode | null {
    return this.list.refusal(principal);
  }

  /** Whether this instance knows that the session has ended. Memory only. */
  isRevoked(sessionId: string): boolean {
    return this.list.isRevoked(sessionId);
  }

  /**
   * Asks the database about one principal, for the time when the link is lost.
   * Throws a Problem `database_unavailable` where it cannot be reached and the setting is `deny`.
   */
  async ask(principal: Principal): Promise<ProblemCode | null> {
    try {
      if (this.clock.elapsed() < this.silentUntil) throw new DatabaseSilentError();
      if (this.silentUntil > 0) this.silentUntil = this.clock.elapsed() + PROBE;
      const [row] = await this.database.run<{ revoked: boolean; ver: number }>(ASK, [principal.sessionId]);
      this.silentUntil = 0;
      if (!row || row.revoked) return 'session_revoked';
      return row.ver > principal.tokenVersion ? 'token_stale' : null;
    } catch (cause) {
      if (!(cause instanceof DatabaseSilentError)) this.silentUntil = this.clock.elapsed() + PAUSE;
      if (this.config.revocationFallback === 'deny') throw new Problem('database_unavailable', { cause });
      return null;
    }
  }

  /** Told by the module that ended a session itself, so that this instance need not wait for the notification. */
  sessionsRevoked(ids: string[]): void {
    for (const id of ids) this.list.revokeSession(id);
  }

  /** Told by the module that changed a user's roles itself. */
  rolesChanged(userId: string, ver: number): void {
    this.list.raiseVersion(userId, ver);
  }

  /**
   * Reads everything that may still refuse a living token, by time. What is in memory already stays: an entry never has to
   * be taken back, and it lapses by itself.
   */
  private async readAll(): Promise<void> {
    await this.readSince('SELECT id, revoked_at AS at FROM sessions WHERE revoked_at', (row) =>
      this.list.revokeSession(row.id),
    );
    await this.readSince('SELECT session_id AS id, at FROM session_tombstones WHERE at', (row) =>
      this.list.revokeSession(row.id),
    );
    await this.readSince('SELECT id, ver_changed_at AS at, ver FROM users WHERE ver_changed_at', (row) =>
      this.list.raiseVersion(row.id, row.ver),
    );
  }

  /** Reads in batches through a cursor, so that a million rows are never in memory at once. */
  private async readSince(select: string, take: (row: { id: string; ver: number }) => void): Promise<void> {
    await this.database.transaction(async (manager) => {
      await manager.query(`DECLARE missed NO SCROLL CURSOR FOR ${select} > now() - $1 * interval '1 s'`, [
        this.list.span + LONGEST_TRANSACTION,
      ]);
      for (;;) {
        const rows = await manager.query<{ id: string; ver: number }[]>(`FETCH ${BATCH} FROM missed`);
        for (const row of rows) take(row);
        if (rows.length < BATCH) return;
      }
    });
  }
}

/** Whether a text is a value of `users.ver`, a positive 32-bit number: another one would lower what is in memory. */
function isVersion(text: string): boolean {
  return /^[1-9]\d{0,9}$/.test(text) && Number(text) <= 0x7fffffff;
}
