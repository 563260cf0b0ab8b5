import { Injectable } from '@nestjs/common';
import { Database } from '../database.js';

/** How the name of an instance's link in pg_stat_activity begins: of one that listens, and of one that only looks. */
export const LISTENER = 'gatehouse listener';
export const POLLER = 'gatehouse poller';
/** The channel that links listen to. */
export const CHANNEL = 'gatehouse';

/** Notifies every link. $1 word */
export const RING = `SELECT pg_catalog.pg_notify('${CHANNEL}'::text, $1::text)`;

/** Milliseconds from one pulse to the next. */
export const PULSE_INTERVAL = 1_000;
/** Milliseconds after a pulse within which no other one is needed. */
const NEW = 900;
/** Milliseconds after its last pulse for which a database is believed. */
export const BELIEVED = 5_000;

/**
 * Commits a pulse, unless another instance has done so within the second or is about to. It goes the way of every change:
 * a database that cannot commit has none, nor has one that was cut off from a standby which it must wait for.
 * $1 whether the caller listens, $2 whether there is a flood of changes: then instances look of themselves, and no transaction has
 * to wait for others because it notifies. A server of the version before, whose link has no other name, needs each one.
 */
export const BEAT = {
  name: 'pulse-beat',
  text: `
  WITH made AS (INSERT INTO pulse (at) SELECT '-infinity' WHERE NOT EXISTS (SELECT FROM pulse) ON CONFLICT DO NOTHING),
  beat AS (
    UPDATE pulse SET number = number + 1, at = clock_timestamp(),
      rings = ($1::boolean OR EXISTS (
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '${LISTENER}%'))
      AND (NOT $2::boolean OR EXISTS (
        SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = '${LISTENER}'))
    WHERE only_row = (
      SELECT only_row FROM pulse
      WHERE at NOT BETWEEN clock_timestamp() - ${NEW} * interval '1 ms' AND clock_timestamp()
      FOR UPDATE SKIP LOCKED)
    RETURNING rings)
  SELECT pg_catalog.pg_notify('${CHANNEL}'::text, 'pulse'::text) FROM beat WHERE rings`,
};

/** Whether the pulse is one that the database is believed for. */
export const IS_BELIEVED = `EXISTS (
  SELECT FROM pulse WHERE at BETWEEN clock_timestamp() - ${BELIEVED} * interval '1 ms' AND clock_timestamp() + interval '1 s')`;

/** Makes the database prove that it commits, where no link is there to do so. */
@Injectable()
export class Pulse {
  private beating: Promise<unknown> | undefined;

  constructor(private readonly database: Database) {}

  /** Tries to commit a pulse, once for all who ask meanwhile. Rejects where the database does not answer. */
  async beat(): Promise<void> {
    this.beating ??= this.database.run(BEAT, [false, false]).finally(() => {
      this.beating = undefined;
    });
    await this.beating;
  }
}
