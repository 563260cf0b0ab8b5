import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Sessions } from './sessions.service.js';

/** A moment by the clock of the database: given, some milliseconds ago, or now. */
export type Moment = { at: Date } | { ago: number } | 'now';

/**
 * "Now" is the end of the millisecond: whatever was opened before the call is older. What is opened next is not, by
 * `new_session_id`. $1 milliseconds since the epoch or null, $2 milliseconds ago or null
 */
const READ_MOMENT = `
  WITH clock AS (SELECT date_trunc('milliseconds', clock_timestamp()) AS now),
    moment AS (
      SELECT coalesce(to_timestamp($1::float8 / 1000), now - $2::float8 * interval '1 ms', now + interval '1 ms') AS before FROM clock)
  SELECT before, $1::float8 IS NOT NULL AND before > now AS "isFuture" FROM clock, moment`;

/** $1 user, $2 moment */
const END_OF_USER = 'SELECT end_sessions_before($1::uuid, $2::timestamptz)';

/** $1 role or null, $2 moment */
const END_OF_ROLE = `
  INSERT INTO epochs AS e (role, floor) VALUES ($1, first_id_at($2::timestamptz))
  ON CONFLICT (role) DO UPDATE SET floor = greatest(e.floor, excluded.floor)`;

/** Ends the sessions that were opened before a moment, whatever they were refreshed since: one row, however many they are. */
@Injectable()
export class MassLogout {
  constructor(private readonly sessions: Sessions) {}

  /** The moment by the clock of the database, in whole milliseconds; null where it is yet to come. */
  async read(moment: Moment, manager: EntityManager): Promise<Date | null> {
    const at = typeof moment === 'object' && 'at' in moment ? moment.at.getTime() : null;
    const ago = typeof moment === 'object' && 'ago' in moment ? moment.ago : null;
    const [row] = await manager.query<{ before: Date; isFuture: boolean }[]>(READ_MOMENT, [at, ago]);
    return row && !row.isFuture ? row.before : null;
  }

  /** Ends those of a user, in the caller's transaction. */
  async endOfUser(userId: string, before: Date, manager: EntityManager): Promise<void> {
    await manager.query(END_OF_USER, [userId, before]);
    await this.sessions.takeEndsWithin(manager);
  }

  /**
   * Ends those of all users who hold a role, or with null of everybody, in the caller's transaction. A user who loses the
   * role does not get them back, and one who is given it later loses theirs.
   */
  async endOfRole(role: string | null, before: Date, manager: EntityManager): Promise<void> {
    await manager.query(END_OF_ROLE, [role, before]);
    await this.sessions.takeEndsWithin(manager);
  }
}
