import { Injectable, Logger } from '@nestjs/common';
import { inBatches } from '../platform/common/batches.js';
import { Database } from '../platform/database/database.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { RING, TELL_FLOORS, TELL_SESSIONS, TELL_VERSIONS } from './lost-ends.js';
import { Revocations } from './revocations.service.js';

const BATCH = 1_000;

/** Tells the other instances, after a set-back, of ends that no row can hold. */
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
