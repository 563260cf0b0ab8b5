import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public, RateLimit } from '../access/route-access.js';
import { FirstAdmin } from '../admin/first-admin.js';
import { Answers } from '../platform/http/openapi.js';
import { Revocations } from '../revocation/revocations.service.js';
import { DatabaseProbe } from './database-probe.js';

const indicators = z.record(z.string(), z.object({ status: z.enum(['up', 'down']) }));
const health = z
  .object({ status: z.string(), info: indicators.optional(), error: indicators.optional(), details: indicators })
  .meta({ id: 'Health' });
const alive = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Alive' });

/** For the operator's probes: does the process live, may it have traffic. */
@ApiTags('Operations')
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicator: HealthIndicatorService,
    private readonly database: DatabaseProbe,
    private readonly revocations: Revocations,
    private readonly firstAdmin: FirstAdmin,
  ) {}

  @RateLimit('none')
  @Get('live')
  @ApiOperation({ summary: 'The process lives', operationId: 'getLive' })
  @Answers(200, alive)
  live(): z.infer<typeof alive> {
    return { status: 'ok' };
  }

  @RateLimit('none')
  @Get('ready')
  @ApiOperation({
    summary: 'The database answers and is migrated, its revocations are heard, and the first admin is made',
    operationId: 'getReady',
  })
  @Answers(200, health, 'Ready')
  @ApiResponse({ status: 503, description: 'Not ready', standardSchema: health as never })
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const { answers, migrated } = await this.database.look();
    try {
      return await this.health.check([
        () => this.indicate('database', answers),
        () => this.indicate('migrations', migrated),
        () => this.indicate('revocations', this.revocations.isLinkSynchronized),
        () => this.indicate('firstAdmin', this.firstAdmin.isEnsured),
      ]);
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      // No fault of ours to be logged and hidden: what is down is the answer.
      void reply.status(503).header('retry-after', '1');
      return error.getResponse();
    }
  }

  /** Says up or down and nothing more: the caller is not signed in. */
  private indicate(name: string, up: boolean) {
    const check = this.indicator.check(name);
    return up ? check.up() : check.down();
  }
}
