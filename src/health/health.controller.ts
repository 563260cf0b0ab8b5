import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public, RateLimit } from '../access/route-access.js';
import { FirstAdmin } from '../admin/first-admin.js';
import { DatabaseFeed } from '../platform/database/feed/database-feed.js';
import { Draining } from '../platform/http/draining.js';
import { Answers } from '../platform/http/openapi.js';
import { Revocations } from '../revocation/revocations.service.js';
import { DatabaseProbe } from './database-probe.js';

const indicators = z.record(z.string(), z.object({ status: z.enum(['up', 'down']) }));
const health = z
  .object({ status: z.string(), info: indicators.optional(), error: indicators.optional(), details: indicators })
  .meta({ id: 'Health' });
const alive = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Alive' });

/**
 * For the operator's probes. A database that is away fails what needs it, not the instance: checks of tokens need none, and
 * no balancer should take every instance out because of a failover.
 */
@ApiTags('Operations')
@Public()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicator: HealthIndicatorService,
    private readonly database: DatabaseProbe,
    private readonly feed: DatabaseFeed,
    private readonly revocations: Revocations,
    private readonly firstAdmin: FirstAdmin,
    private readonly draining: Draining,
  ) {}

  @RateLimit('none')
  @Get('live')
  @ApiOperation({ summary: 'The process lives', operationId: 'getLive' })
  @Answers(200, alive)
  live(): z.infer<typeof alive> {
    return { status: 'ok' };
  }

  @RateLimit('none')
  @Get('started')
  @ApiOperation({
    summary: 'Everything that was revoked has been read once, and the first admin is made',
    operationId: 'getStarted',
  })
  @Answers(200, health, 'Started')
  @ApiResponse({ status: 503, description: 'Not started', standardSchema: health as never })
  started(@Res({ passthrough: true }) reply: FastifyReply) {
    return this.answer(reply, { revocations: this.feed.hasStarted, firstAdmin: this.firstAdmin.isEnsured });
  }

  @RateLimit('none')
  @Get('ready')
  @ApiOperation({
    summary: 'Traffic can be taken: started and not stopping, the clock is right, and token checks can be trusted',
    operationId: 'getReady',
  })
  @Answers(200, health, 'Ready')
  @ApiResponse({ status: 503, description: 'Not ready', standardSchema: health as never })
  ready(@Res({ passthrough: true }) reply: FastifyReply) {
    return this.answer(reply, {
      started: this.feed.hasStarted && this.firstAdmin.isEnsured,
      running: !this.draining.isOn,
      clock: this.feed.isClockFit,
      tokenChecks: this.revocations.canBeTrusted,
    });
  }

  @RateLimit('none')
  @Get('database')
  @ApiOperation({
    summary: 'The database answers, is migrated, and its changes are heard',
    operationId: 'getDatabaseHealth',
  })
  @Answers(200, health, 'Whole')
  @ApiResponse({ status: 503, description: 'Something is down', standardSchema: health as never })
  async databaseHealth(@Res({ passthrough: true }) reply: FastifyReply) {
    const { answers, migrated } = await this.database.look();
    return this.answer(reply, { database: answers, migrations: migrated, revocations: this.feed.isComplete });
  }

  /** Says up or down and nothing more: the caller is not signed in. */
  private async answer(reply: FastifyReply, states: Record<string, boolean>) {
    const checks = Object.entries(states).map(([name, isUp]) => () => {
      const check = this.indicator.check(name);
      return isUp ? check.up() : check.down();
    });
    try {
      return await this.health.check(checks);
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      // No fault of ours to be logged and hidden: what is down is the answer.
      void reply.status(503).header('retry-after', '1');
      return error.getResponse();
    }
  }
}
