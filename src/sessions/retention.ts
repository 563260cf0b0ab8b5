import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { RetentionJob } from '../platform/jobs/retention-job.js';

/**
 * The id holds the moment it was made, so the primary key finds the old ones. That was the moment of the instance that made
 * it, whose clock may have been wrong: nothing is removed that is not old by the database's clock too.
 * $1 how many, $2 milliseconds
 */
const REMOVE_SESSIONS = `
  DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions
    WHERE created_at < now() - $2::float8 * interval '1 ms'
      AND id < first_id_at(now() - $2::float8 * interval '1 ms')
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)`;

/** $1 how many */
const REMOVE_TOMBSTONES = `
  DELETE FROM session_tombstones WHERE session_id IN (
    SELECT session_id FROM session_tombstones WHERE at < now() - interval '2 days' ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)`;

/** A day more than needed. */
const MARGIN = 86_400_000;

/** Removes sessions that are past their greatest age, and tombstones that no token can need any more. */
@Injectable()
export class SessionRetention {
  constructor(job: RetentionJob, @Inject(CONFIG) { sessionMaxAge }: Config) {
    job.register(
      'Old sessions',
      new Logger(SessionRetention.name),
      job.statement(REMOVE_SESSIONS, [sessionMaxAge + MARGIN]),
      job.statement(REMOVE_TOMBSTONES),
    );
  }
}
