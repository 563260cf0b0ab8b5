import { setTimeout as pause } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { liftLimits, settle } from './session-settings.js';

/**
 * Milliseconds for which a migration waits for a lock. Requests queue behind it meanwhile, and one of them may hold what it
 * waits for. Postgres looks for such a circle after a second, and might end the request; the migration steps back before.
 */
const LOCK_WAIT = 200;

const TRIES = 60;
/** Milliseconds between two tries, in which what queued behind the migration is done. */
const PAUSE = 500;

/** What Postgres says of a lock that did not come in time, and of a circle of transactions that wait for each other. */
const BLOCKED = ['55P03', '40P01'];

/** Thrown where a migration got no lock that it needs, because other transactions hold it for too long. */
export class MigrationBlockedError extends Error {
  constructor(cause: unknown) {
    super(
      'The schema cannot be brought up to date: other transactions have held their locks for too long. Look for old ones in pg_stat_activity, and start again.',
      { cause },
    );
  }
}

interface Way {
  tries?: number;
  /** Where names are looked up, as a search_path: a connection that a pooler has made may look elsewhere. */
  path?: string;
}

/**
 * Applies what is pending, each migration in a transaction of its own, so that no lock outlasts the one that needs it. A
 * migration that gets no lock in time is rolled back and tried again. Returns the names of those that were applied. Throws
 * MigrationBlockedError after half a minute without the locks, and else what the driver throws.
 */
export async function runMigrations(source: DataSource, { tries = TRIES, path }: Way = {}): Promise<string[]> {
  const applied: string[] = [];
  const limited = source.migrations.map((migration) => ({
    name: migration.name ?? migration.constructor.name,
    up: async (queryRunner: QueryRunner) => {
      // What a migration makes must not depend on how the operator lets texts be read.
      await settle(queryRunner, { isLocal: true });
      await liftLimits(queryRunner);
      await queryRunner.query(`SET LOCAL lock_timeout = ${LOCK_WAIT}`);
      if (path !== undefined) await queryRunner.query(`SET LOCAL search_path = ${path}`);
      await migration.up(queryRunner);
      applied.push(migration.name ?? migration.constructor.name);
    },
    down: (queryRunner: QueryRunner) => migration.down(queryRunner),
  }));
  Object.assign(source, { migrations: limited });
  for (let tried = 1; ; tried++) {
    try {
      await source.runMigrations({ transaction: 'each' });
      return applied;
    } catch (error) {
      if (!BLOCKED.includes((error as { code?: string }).code ?? '')) throw error;
      if (tried === tries) throw new MigrationBlockedError(error);
      await pause(PAUSE);
    }
  }
}
