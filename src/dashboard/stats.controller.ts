import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Permissions } from '../access/route-access.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { digits } from '../platform/http/page.js';
import { StatsService } from './stats.service.js';

const count = z.int().min(0);

const statsQuery = z.strictObject({
  days: digits(1, 90, 30).meta({ description: 'How many days, today (UTC) the last of them' }),
});

const statsView = z
  .strictObject({
    users: z.strictObject({
      total: count,
      active: count,
      disabled: count,
      byRole: z.record(z.string(), count),
    }),
    sessions: z.strictObject({ active: count }),
    series: z
      .array(z.strictObject({ date: z.iso.date(), signups: count, logins: count, failedLogins: count }))
      .meta({ description: 'One entry for each day, oldest first' }),
  })
  .meta({ id: 'Stats' });

/** The figures of the whole service. */
@ApiTags('Dashboard')
@Controller('v1/dashboard/stats')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  @Get()
  @Permissions('stats:read')
  @ApiOperation({ summary: 'Users, sessions and daily activity of the whole service', operationId: 'getStats' })
  @Answers(200, statsView)
  @Fails('forbidden')
  read(@Query({ schema: statsQuery }) { days }: z.infer<typeof statsQuery>): Promise<z.infer<typeof statsView>> {
    return this.stats.read(days);
  }
}
