import { Injectable } from '@nestjs/common';
import { ADMIN } from '../access/permissions.js';
import { Clock } from '../platform/common/clock.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { ReplicatedTable } from '../platform/database/feed/replicated-table.js';

const READ = { name: 'role-table', text: 'SELECT name, permissions FROM roles' };

type Permissions = Map<string, ReadonlySet<string>>;

/** What each role permits, in memory, so that a permission costs no SQL. */
@Injectable()
export class RolePermissionsCache {
  private readonly table: ReplicatedTable<Permissions>;
  private permissions: Permissions = new Map();

  constructor(
    private readonly database: Database,
    feed: DatabaseFeed,
    clock: Clock,
  ) {
    this.table = new ReplicatedTable(feed, clock, {
      name: 'roles',
      changes: { roles: 'reload' },
      read: () => this.read(),
      swap: (permissions) => {
        this.permissions = permissions;
        return true;
      },
    });
    this.table.follow();
  }

  /** Whether what is in memory is what the database holds. */
  get isSynchronized(): boolean {
    return this.table.isSynchronized;
  }

  /** Reads the roles now, after a change made here. Throws where they cannot be read. */
  load(): Promise<void> {
    return this.table.load();
  }

  /** Reads the roles while the copy is not synchronized. Where that is not possible, what was last known counts. */
  refresh(): Promise<void> {
    return this.table.refresh();
  }

  /** The first of these permissions that none of the roles holds, or null. A role that does not exist holds none. */
  missing(roles: readonly string[], needed: readonly string[]): string | null {
    if (roles.includes(ADMIN)) return null;
    return needed.find((permission) => !roles.some((role) => this.permissions.get(role)?.has(permission))) ?? null;
  }

  private async read(): Promise<Permissions> {
    const rows = await this.database.run<{ name: string; permissions: string[] }>(READ, []);
    return new Map(rows.map(({ name, permissions }) => [name, new Set(permissions)]));
  }
}
