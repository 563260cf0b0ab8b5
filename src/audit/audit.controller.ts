import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Permissions } from '../access/route-access.js';
import { moment } from '../platform/http/moment.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { idOfCursor, pageOf, pageQuery } from '../platform/http/page.js';
import { AUDIT_TYPES, Audit, type AuditRow } from './audit.service.js';

const auditQuery = z.strictObject({
  ...pageQuery.shape,
  userId: z.uuid().optional().meta({ description: 'To whom it was done' }),
  type: z.enum(AUDIT_TYPES).optional(),
  from: moment.optional().meta({ description: 'Not before this moment' }),
  to: moment.optional().meta({ description: 'Not after this moment' }),
});

const auditEntry = z
  .strictObject({
    id: z.uuid(),
    type: z.enum(AUDIT_TYPES),
    actorId: z.uuid().nullable().meta({ description: 'Who did it; null for somebody unknown and for the system' }),
    userId: z.uuid().nullable().meta({ description: 'To whom it was done' }),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    at: z.iso.datetime(),
    data: z.record(z.string(), z.unknown()).meta({ description: 'What else there is to know; never a secret' }),
  })
  .meta({ id: 'AuditEntry' });

const auditPage = pageOf(auditEntry, 'AuditPage');

/** The audit log, for holders of `audit:read`. */
@ApiTags('Audit')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly audit: Audit) {}

  @Get()
  @Permissions('audit:read')
  @ApiOperation({ summary: 'Who did what to whom, newest first', operationId: 'listAudit' })
  @Answers(200, auditPage)
  @Fails('forbidden')
  async list(
    @Query({ schema: auditQuery }) { limit, cursor, ...filter }: z.infer<typeof auditQuery>,
  ): Promise<z.infer<typeof auditPage>> {
    const { items, nextCursor } = await this.audit.list(filter, limit, idOfCursor(cursor));
    return { items: items.map(toEntry), nextCursor };
  }
}

function toEntry(row: AuditRow): z.infer<typeof auditEntry> {
  const { id, type, ip, at, data } = row;
  return {
    id,
    type,
    actorId: row.actor_id,
    userId: row.user_id,
    ip,
    userAgent: row.user_agent,
    requestId: row.request_id,
    at: at.toISOString(),
    data,
  };
}
