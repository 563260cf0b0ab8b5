import { Injectable, Logger } from '@nestjs/common';
import { ADMIN } from '../access/permissions.js';
import { Clock } from '../platform/common/clock.js';
import { Database } from '../platform/database/database.js';
import { DatabaseListener } from '../platform/database/listener.js';

/** Milliseconds after which a table that could not be read is read again. */
const RETRY = 500;
/** Milliseconds for which what was read while the link is lost is used again. */
const FRESH_ENOUGH = 1_000;

const READ = { name: 'role-table', text: 'SELECT name, permissions FROM roles' };

/**
 * What each role permits, in memory, so that a permission costs no SQL.
 * Read before the first request and after every lost link, and again whenever a role has changed.
 */
@Injectable()
export class RolePermissionsCache {
  private readonly logger = new Logger(RolePermissionsCache.name);
  private permissions = new Map<string, ReadonlySet<string>>();
  private readAt = Number.NEGATIVE_INFINITY;
  private asked = 0;
  private answered = 0;

  constructor(
    private readonly database: Database,
    private readonly listener: DatabaseListener,
    private readonly clock: Clock,
  ) {
    listener.on('roles', () => this.followUp());
    listener.onResync(() => this.load());
  }

  /** Whether what is in memory is what the database holds. */
  get isSynchronized(): boolean {
    return this.listener.isSynchronized || this.clock.elapsed() - this.readAt < FRESH_ENOUGH;
  }

  /** Reads the table again. Of two readings that overlap the one that began later counts. */
  async load(): Promise<void> {
    const turn = ++this.asked;
    const began = this.clock.elapsed();
    const rows = await this.database.run<{ name: string; permissions: string[] }>(READ, []);
    if (turn < this.answered) return;
    this.answered = turn;
    this.permissions = new Map(rows.map(({ name, permissions }) => [name, new Set(permissions)]));
    this.readAt = began;
  }

  /** The first of these permissions that none of the roles holds, or null. A role that does not exist holds none. */
  missing(roles: readonly string[], needed: readonly string[]): string | null {
    if (roles.includes(ADMIN)) return null;
    return needed.find((permission) => !roles.some((role) => this.permissions.get(role)?.has(permission))) ?? null;
  }

  private followUp(): void {
    this.load().catch(() => {
      this.logger.warn('The roles could not be read again; trying once more');
      setTimeout(() => this.followUp(), RETRY).unref();
    });
  }
}
