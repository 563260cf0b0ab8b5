import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { type Actor, actorIdOf } from '../access/actor.js';
import { firstIdAt, newId } from '../platform/common/id.js';
import { Database } from '../platform/database/database.js';
import { type Page, toPage } from '../platform/http/page.js';
import { Counters } from '../platform/jobs/counters.js';
import { boundedData } from './audit-data.js';
import { AuditSealer } from './audit-sealer.service.js';
import { SET_BACK } from './audit-set-back.js';

/** Everything that is written down. */
export const AUDIT_TYPES = [
  'auth.registered',
  'auth.login',
  'auth.login_failed',
  'auth.logout',
  'auth.refresh_reused',
  'session.revoked',
  'sessions.revoked_before',
  'user.created',
  'user.updated',
  'user.disabled',
  'user.enabled',
  'user.deleted',
  'user.exported',
  'user.invited',
  'user.password_changed',
  'user.password_reset',
  'user.email_verified',
  'user.email_changed',
  'user.roles_changed',
  'role.saved',
  'role.deleted',
  'key.rotated',
  SET_BACK,
] as const;

/** Milliseconds by which the clocks of an instance and of the database differ at most; tokens allow far less. */
const CLOCKS_APART = 3_600_000;

export type AuditType = (typeof AUDIT_TYPES)[number];

export interface AuditEvent {
  type: AuditType;
  /** Who did it, and from where. */
  actor: Actor;
  /** To whom it was done. */
  userId: string | null;
  /** What else there is to know, shortened where it is much. Never a secret. */
  data?: Record<string, unknown>;
}

/** Which entries are asked for; all of them where nothing is said. Times are inclusive. */
export interface AuditFilter {
  userId?: string;
  type?: AuditType;
  from?: string;
  to?: string;
}

/** An entry as the list reads it. */
export interface AuditRow {
  id: string;
  type: AuditType;
  actor_id: string | null;
  user_id: string | null;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  at: Date;
  data: Record<string, unknown>;
}

export interface Activity {
  type: AuditType;
  at: Date;
  ip: string | null;
  userAgent: string | null;
}

/** An entry as the person it is about may have it. */
export const auditEntry = z.strictObject({
  id: z.uuid(),
  type: z.string(),
  actorId: z.uuid().nullable(),
  userId: z.uuid().nullable(),
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  requestId: z.string().nullable(),
  at: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});

export type AuditEntry = Omit<z.infer<typeof auditEntry>, 'at'> & { at: Date };

/** The audit log: entries are added in the transaction of the change that they tell of, and never changed. */
@Injectable()
export class Audit {
  constructor(
    private readonly database: Database,
    private readonly sealer: AuditSealer,
    private readonly counters: Counters,
  ) {}

  /** Adds an entry. Give the transaction's manager where there is one. */
  async record(event: AuditEvent, manager: EntityManager = this.database.manager): Promise<void> {
    await this.recordAll([event], manager);
  }

  /** Adds many entries in one statement. */
  async recordAll(events: AuditEvent[], manager: EntityManager = this.database.manager): Promise<void> {
    if (events.length === 0) return;
    await manager.query(INSERT, [
      events.map(() => newId()),
      events.map(({ type }) => type),
      events.map(({ actor }) => actorIdOf(actor)),
      events.map(({ userId }) => userId),
      events.map(({ actor }) => actor.context?.ip),
      events.map(({ actor }) => actor.context?.userAgent),
      events.map(({ actor }) => actor.context?.requestId),
      events.map(({ actor, data }) => JSON.stringify(boundedData({ ...data, ...nameOf(actor) }))),
    ]);
    this.sealer.schedule();
    this.counters.schedule();
  }

  /** The entries that fit, newest first. `before` is the id that the last page ended with. */
  async list({ userId, type, from, to }: AuditFilter, limit: number, before: string | null): Promise<Page<AuditRow>> {
    // The id tells the moment too, by the clock of the instance that wrote it; with it the index cuts the range.
    const first = from ? firstIdAt(Date.parse(from) - CLOCKS_APART) : FIRST_ID;
    const end = [before ?? LAST_ID, to ? firstIdAt(Date.parse(to) + CLOCKS_APART) : LAST_ID].sort()[0];
    const keys = [userId, type].filter((key) => key !== undefined);
    const values = [first, end, from ?? null, to ?? null, limit + 1, ...keys];
    return toPage(await this.database.manager.query<AuditRow[]>(statementFor(userId, type), values), limit);
  }

  /** The latest entries about a user, newest first. */
  latestOf(userId: string, limit: number): Promise<Activity[]> {
    return this.database.run<Activity>(LATEST, [userId, limit]);
  }

  /** The entries about a user and those of what the user did to others, newest first: those that follow `after`. */
  activityOf(userId: string, limit: number, after: AuditEntry | null): Promise<AuditEntry[]> {
    return this.database.manager.query<AuditEntry[]>(ACTIVITY_OF, [userId, after?.id ?? LAST_ID, limit]);
  }
}

/** The name of an actor who has no account goes with the data; the function actor_kind tells operators by it. */
function nameOf(actor: Actor): { operator?: string } {
  return actor.kind === 'operator' ? { operator: actor.name } : {};
}

const INSERT = `
  INSERT INTO audit_events (id, type, actor_id, user_id, ip, user_agent, request_id, data)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::inet[], $6::text[], $7::text[], $8::jsonb[])`;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const SELECT = 'SELECT id, type, actor_id, user_id, host(ip) AS ip, user_agent, request_id, at, data FROM audit_events';

/** Times are shown in milliseconds, so they are compared in milliseconds. */
const TIMES = `($3::timestamptz IS NULL OR date_trunc('milliseconds', at) >= $3)
  AND ($4::timestamptz IS NULL OR date_trunc('milliseconds', at) <= $4)`;

/**
 * Whole keys are compared and sorted by, so that one index alone serves each list: by equality Postgres would take any that
 * ends with the id, and walk through a million failed sign-ins to a user for whom it expects an entry of another type soon.
 * $1 first id, $2 the id after the last, $3 from, $4 to, $5 limit
 */
const LIST = `${SELECT} WHERE id >= $1 AND id < $2 AND ${TIMES} ORDER BY id DESC LIMIT $5`;

/** As LIST, $6 user */
const LIST_OF_USER = `${SELECT}
  WHERE (user_id, id) >= ($6::uuid, $1::uuid) AND (user_id, id) < ($6::uuid, $2::uuid) AND ${TIMES}
  ORDER BY user_id DESC, id DESC LIMIT $5`;

/** As LIST, $6 type */
const LIST_OF_TYPE = `${SELECT}
  WHERE (type, id) >= ($6::text, $1::uuid) AND (type, id) < ($6::text, $2::uuid) AND ${TIMES}
  ORDER BY type DESC, id DESC LIMIT $5`;

/** As LIST, $6 user, $7 type */
const LIST_OF_BOTH = `${SELECT}
  WHERE (user_id, type, id) >= ($6::uuid, $7::text, $1::uuid) AND (user_id, type, id) < ($6::uuid, $7::text, $2::uuid)
    AND ${TIMES}
  ORDER BY user_id DESC, type DESC, id DESC LIMIT $5`;

function statementFor(userId: string | undefined, type: AuditType | undefined): string {
  if (userId === undefined) return type === undefined ? LIST : LIST_OF_TYPE;
  return type === undefined ? LIST_OF_USER : LIST_OF_BOTH;
}

/** Whether where it was done from may be told: not to whom another person did it, such as an administrator. $1 who reads */
const MAY_KNOW = '(actor_id IS NULL OR actor_id = $1)';

const LATEST = {
  name: 'audit-latest',
  text: `
  SELECT type, at, CASE WHEN ${MAY_KNOW} THEN host(ip) END AS ip, CASE WHEN ${MAY_KNOW} THEN user_agent END AS "userAgent"
  FROM audit_events WHERE user_id = $1 ORDER BY id DESC LIMIT $2`,
};

/** Each half by an index of its own, so that a page costs what a page holds. $1 user, $2 before this id, $3 limit */
const ACTIVITY_OF = `
  SELECT id, type, actor_id AS "actorId", user_id AS "userId", at, data,
    CASE WHEN ${MAY_KNOW} THEN host(ip) END AS ip, CASE WHEN ${MAY_KNOW} THEN user_agent END AS "userAgent",
    CASE WHEN ${MAY_KNOW} THEN request_id END AS "requestId"
  FROM (
    (SELECT * FROM audit_events WHERE (user_id, id) < ($1::uuid, $2::uuid) AND user_id >= $1
     ORDER BY user_id DESC, id DESC LIMIT $3)
    UNION ALL
    (SELECT * FROM audit_events
     WHERE (actor_id, id) < ($1::uuid, $2::uuid) AND actor_id >= $1 AND actor_id IS DISTINCT FROM user_id
     ORDER BY actor_id DESC, id DESC LIMIT $3)
  ) AS entries
  ORDER BY id DESC LIMIT $3`;
