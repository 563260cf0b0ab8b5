import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { BELOW_FLOOR } from '../revocation/below-floor.js';

export interface Stats {
  users: { total: number; active: number; disabled: number; byRole: Record<string, number> };
  sessions: { active: number };
  series: { date: string; signups: number; logins: number; failedLogins: number }[];
}

interface StatsRow {
  active: number;
  disabled: number;
  by_role: Record<string, number>;
  sessions: number;
  series: Stats['series'];
}

/** Users of one sweep that are looked at: a bound on what the figures cost while everybody's sessions are swept. */
const LOOKED_AT = 10_000;

/** Sessions that have ended by a floor, or with their user, and are counted as live until they are swept. */
const UNSWEPT = `
  SELECT count(*)
  FROM (
    SELECT user_id AS id FROM session_sweeps WHERE user_id IS NOT NULL
    UNION SELECT holder.user_id FROM session_sweeps w, LATERAL (
      SELECT user_id FROM user_roles WHERE role = w.role AND user_id > w.reached ORDER BY user_id LIMIT ${LOOKED_AT}) AS holder
    UNION SELECT anybody.id FROM session_sweeps w, LATERAL (
      SELECT id FROM users WHERE w.user_id IS NULL AND w.role IS NULL AND id > w.reached ORDER BY id LIMIT ${LOOKED_AT}) AS anybody
  ) AS owner
  JOIN sessions s ON s.user_id = owner.id AND s.revoked_at IS NULL AND s.expires_at > now()
  LEFT JOIN users u ON u.id = owner.id
  WHERE u.id IS NULL OR ${BELOW_FLOOR}`;

/**
 * One statement, so one snapshot: the aggregated counters and the changes that are not yet in them always make the true sum.
 * Sessions that expire later than today come from the counters; only those of today are counted by the clock.
 * Days are counted in numbers: a series of times would go by the zone of the connection, where a day may begin at one.
 * $1 days; the last one is today, in UTC
 */
const READ = {
  name: 'stats',
  text: `
  WITH today AS (SELECT (now() AT TIME ZONE 'UTC')::date AS day),
    counts AS (
      SELECT name, day, sum(count)::float8 AS count
      FROM (SELECT name, day, count FROM tallies UNION ALL SELECT name, day, delta FROM tally_changes) AS parts
      WHERE day = '-infinity' OR day > (SELECT day FROM today) - $1::integer
      GROUP BY name, day
    ),
    series AS (
      SELECT to_char(today.day - ago, 'YYYY-MM-DD') AS date,
        coalesce(sum(count) FILTER (WHERE name = 'auth.registered'), 0) AS signups,
        coalesce(sum(count) FILTER (WHERE name = 'auth.login'), 0) AS logins,
        coalesce(sum(count) FILTER (WHERE name = 'auth.login_failed'), 0) AS failed
      FROM today CROSS JOIN generate_series(0, $1::integer - 1) AS ago
      LEFT JOIN counts ON counts.day = today.day - ago GROUP BY today.day, ago
    )
  SELECT
    coalesce((SELECT count FROM counts WHERE name = 'users.active'), 0) AS active,
    coalesce((SELECT count FROM counts WHERE name = 'users.disabled'), 0) AS disabled,
    (SELECT jsonb_object_agg(r.name, coalesce(c.count, 0)) FROM roles r LEFT JOIN counts c ON c.name = 'role.' || r.name) AS by_role,
    coalesce((SELECT sum(count) FROM counts, today WHERE name = 'sessions' AND counts.day > today.day), 0)
      + (SELECT count(*) FROM sessions, today
         WHERE expires_on = today.day AND revoked_at IS NULL AND expires_at > now())
      - (${UNSWEPT}) AS sessions,
    (SELECT jsonb_agg(jsonb_build_object('date', date, 'signups', signups, 'logins', logins, 'failedLogins', failed)
      ORDER BY date) FROM series) AS series`,
};

/** The figures of the whole service, exact with every commit. */
@Injectable()
export class StatsService {
  constructor(private readonly database: Database) {}

  /** The figures of the last `days` days, today among them. */
  async read(days: number): Promise<Stats> {
    const [row] = await this.database.run<StatsRow>(READ, [days]);
    if (!row) throw new Error('The figures gave no row');
    const { active, disabled, by_role: byRole, sessions, series } = row;
    return { users: { total: active + disabled, active, disabled, byRole }, sessions: { active: sessions }, series };
  }
}
