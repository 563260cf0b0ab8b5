import { Injectable, Logger } from '@nestjs/common';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { Revocations } from './revocations.service.js';

const BATCH = 1_000;

/** $1 ids */
const TELL_SESSIONS = `
  INSERT INTO changes (kind, id) SELECT 'session', k.id FROM unnest($1::uuid[]) AS k(id)
  WHERE NOT EXISTS (SELECT FROM sessions s WHERE s.id = k.id) RETURNING 1`;

/** $1 ids, $2 versions */
const TELL_VERSIONS = `
  INSERT INTO changes (kind, id, ver) SELECT 'user', k.id, k.ver FROM unnest($1::uuid[], $2::integer[]) AS k(id, ver)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = k.id) RETURNING 1`;

/** $1 ids, $2 moments of the floors, in milliseconds since the epoch */
const TELL_FLOORS = `
  INSERT INTO changes (kind, id, floor)
  SELECT 'user', k.id, first_id_at(to_timestamp(k.moment / 1000)) FROM unnest($1::uuid[], $2::float8[]) AS k(id, moment)
  WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = k.id) RETURNING 1`;

const RING = `SELECT ring('set back')`;

/**
 * Tells the other instances, after a set-back, of ends that no row can hold: the session or its user was made within the
 * commits that the database has lost, and access tokens of it are about all the same.
 */
@Injectable()
export class ChangeWriteBack {
  private readonly logger = new Logger(ChangeWriteBack.name);

  constructor(
    private readonly database: Database,
    private readonly revocations: Revocations,
    feed: DatabaseFeed,
  ) {
    feed.onSetBack(() => this.tell());
  }

  private async tell(): Promise<void> {
    const { known } = this.revocations;
    let told = 0;
    for (const ids of inBatches(known.endedSessions(), BATCH)) told += await this.insert(TELL_SESSIONS, [ids]);
    for (const users of inBatches(known.changedUsers(), BATCH)) {
      const values = [users.map(({ userId }) => userId), users.map(({ ver }) => ver)];
      told += await this.insert(TELL_VERSIONS, values);
    }
    for (const floors of inBatches(known.raisedFloors(), BATCH)) {
      const values = [floors.map(([userId]) => userId), floors.map(([, moment]) => moment)];
      told += await this.insert(TELL_FLOORS, values);
    }
    if (told === 0) return;
    await this.database.manager.query(RING);
    this.logger.warn(`Told the other instances of ${told} ends of sessions or users that the database has no row of`);
  }

  private async insert(sql: string, values: unknown[]): Promise<number> {
    return (await this.database.manager.query<unknown[]>(sql, values)).length;
  }
}
