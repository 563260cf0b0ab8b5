import type { Change } from './change-feed.js';

/** What an instance learns each time it looks into the database. */
export interface Look {
  /** When it was begun, in milliseconds of `Clock.elapsed`: what was committed before then has been seen. */
  beganAt: number;
  /** Milliseconds since the last pulse, by the clock of the database. */
  pulseAge: number;
  /** By how many milliseconds the database is ahead of this machine, and by how many that may be wrong. */
  offset: { ms: number; error: number };
  /** Grows where changes may have been missed: what was read before has to be read anew. */
  edition: number;
  /** Since which moment of the database it is another one, or another beginning of it, that may have lost its last commits. */
  setBackAt: string | null;
  changes: Change[];
  /** Words of notifications that came since the last look. They are hints, and never believed. */
  words: string[];
}

/** Where looks come from: a connection of this process, or the process that started it. */
export interface LookSource {
  /** Resolves once looks come. Throws where they cannot. */
  start(receive: (look: Look) => void): Promise<void>;
  stop(): Promise<void>;
}

/** Rows that one look takes with it; where there are more they are drained apart. */
export const MANY = 1_000;

/** Which database it is: another one after a failover or a restore, by its cluster and timeline, or after a restart. Null on a standby. */
const IDENTITY = `
  CASE WHEN NOT pg_is_in_recovery() THEN
    (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
      || '/' || pg_postmaster_start_time() END AS identity`;

/** The same where a hosting keeps cluster and timeline to itself: whatever takes over has another beginning. */
const PLAIN_IDENTITY = `
  CASE WHEN NOT pg_is_in_recovery() THEN pg_postmaster_start_time()::text END AS identity`;

/** The state of the database that an instance needs to know. */
const STATE = `
  pg_current_snapshot()::text AS snapshot,
  clock_timestamp()::text AS moment,
  extract(epoch FROM clock_timestamp())::float8 * 1000 AS now,
  (SELECT extract(epoch FROM clock_timestamp() - at)::float8 * 1000 FROM pulse) AS "pulseAge",
  (SELECT rings FROM pulse) AS rings`;

const SELECT = 'SELECT number, kind, id, ver, roles, floor, kept, disabled FROM changes';
/**
 * What was not visible in the snapshot $1: what has begun since, and what was open then. None is read twice, or missed. Rows of
 * a dump have the transaction ids of another cluster, of which those that are yet to come here say nothing new.
 */
const BEGUN_SINCE = `
  ${SELECT} WHERE xid >= pg_snapshot_xmax($1::pg_snapshot) AND xid < pg_snapshot_xmax(pg_current_snapshot())`;
const OPEN_THEN = `
  ${SELECT} WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))`;

/** The state, and what is new as far as one look takes it. */
const STATE_AND_NEW = `
  ${STATE}, c.* FROM (SELECT) AS once LEFT JOIN (
    (${BEGUN_SINCE} ORDER BY xid LIMIT ${MANY}) UNION ALL (${OPEN_THEN} ORDER BY xid LIMIT ${MANY})
  ) AS c ON true ORDER BY c.number`;

/** One row at least: the state, and in each row a change or none, in the order of their numbers. $1 the snapshot of the last look, or null for none */
export const LOOK = `SELECT ${IDENTITY}, ${STATE_AND_NEW}`;

/** The same with what every hosting tells. */
export const PLAIN_LOOK = `SELECT ${PLAIN_IDENTITY}, ${STATE_AND_NEW}`;

/** What is new without a limit, to be fetched piece by piece. $1 the snapshot of the last look */
export const DRAIN = `
  DECLARE unseen NO SCROLL CURSOR FOR ${BEGUN_SINCE} UNION ALL ${OPEN_THEN}`;

/** What the transaction that asks has changed so far. */
export const OWN_CHANGES = `${SELECT} WHERE xid = pg_current_xact_id_if_assigned() ORDER BY number`;

/** A row of LOOK. */
export interface LookRow extends Omit<Change, 'kind' | 'number'> {
  snapshot: string;
  identity: string | null;
  moment: string;
  now: number;
  /** Null where the row of the pulse is gone. */
  pulseAge: number | null;
  rings: boolean | null;
  /** A bigint. Null, as is the kind, where the row holds no change. */
  number: string | null;
  kind: string | null;
}

/** The columns of a change in such a row. */
export type ChangeRow = Omit<LookRow, 'snapshot' | 'identity' | 'moment' | 'now' | 'pulseAge' | 'rings'>;

/** The changes in rows of LOOK, DRAIN or OWN_CHANGES. */
export function changesIn(rows: ChangeRow[]): Change[] {
  return rows.flatMap(({ number, kind, id, ver, roles, floor, kept, disabled }) =>
    kind === null ? [] : { number: Number(number), kind, id, ver, roles, floor, kept, disabled },
  );
}
