import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../platform/common/clock.js';
import { firstIdAt } from '../platform/common/id.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { RetentionJob } from '../platform/jobs/retention-job.js';

/** The id holds the moment it was made, so the primary key finds the old ones. $1 how many, $2 the first id that stays */
const REMOVE_SESSIONS = `
  DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE id < $2 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)`;

/** $1 how many */
const REMOVE_TOMBSTONES = `
  DELETE FROM session_tombstones WHERE session_id IN (
    SELECT session_id FROM session_tombstones WHERE at < now() - interval '2 days' ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)`;

/** A day more than needed: clocks differ. */
const MARGIN = 86_400_000;

/** Removes sessions that are past their greatest age, and tombstones that no token can need any more. */
@Injectable()
export class SessionRetention {
  constructor(job: RetentionJob, clock: Clock, @Inject(CONFIG) { sessionMaxAge }: Config) {
    const oldest = () => [firstIdAt(clock.now() - sessionMaxAge - MARGIN)];
    job.register(
      'Old sessions',
      new Logger(SessionRetention.name),
      job.statement(REMOVE_SESSIONS, oldest),
      job.statement(REMOVE_TOMBSTONES),
    );
  }
}
