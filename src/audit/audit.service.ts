import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import type { Client } from '../common/client.js';
import { newId } from '../common/id.js';
import { Database } from '../database/database.js';

/** Everything that is written down. */
export const AUDIT_TYPES = [
  'auth.registered',
  'auth.login',
  'auth.login_failed',
  'auth.logout',
  'auth.refresh_reused',
  'session.revoked',
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
] as const;

export type AuditType = (typeof AUDIT_TYPES)[number];

export interface AuditEvent {
  type: AuditType;
  /** Who did it; null for somebody unknown and for the system itself. */
  actorId: string | null;
  /** To whom it was done. */
  userId: string | null;
  client: Client | null;
  /** What else there is to know. Never a secret. */
  data?: Record<string, unknown>;
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
  constructor(private readonly database: Database) {}

  /** Adds an entry. Give the transaction's manager where there is one. */
  async record(event: AuditEvent, manager: EntityManager = this.database.manager): Promise<void> {
    const { type, actorId, userId, client, data = {} } = event;
    await manager.query(
      `INSERT INTO audit_events (id, type, actor_id, user_id, ip, user_agent, request_id, data)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [newId(), type, actorId, userId, client?.ip, client?.userAgent, client?.requestId, data],
    );
  }

  /** The latest entries about a user, newest first. */
  latestOf(userId: string, limit: number): Promise<Activity[]> {
    return this.database.run<Activity>(LATEST, [userId, limit]);
  }

  /** Every entry about a user and everything that the user did to others, newest first. */
  allOf(userId: string): Promise<AuditEntry[]> {
    return this.database.manager.query<AuditEntry[]>(ALL_OF, [userId]);
  }
}

const LATEST = {
  name: 'audit-latest',
  text: `SELECT type, at, host(ip) AS ip, user_agent AS "userAgent" FROM audit_events
         WHERE user_id = $1 ORDER BY id DESC LIMIT $2`,
};

const ALL_OF = `
  SELECT id, type, actor_id AS "actorId", user_id AS "userId", host(ip) AS ip, user_agent AS "userAgent",
    request_id AS "requestId", at, data
  FROM audit_events
  WHERE user_id = $1 OR (actor_id = $1 AND actor_id IS DISTINCT FROM user_id)
  ORDER BY id DESC`;
