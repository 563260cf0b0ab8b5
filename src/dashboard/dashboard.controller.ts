import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CurrentUser, type Principal } from '../access/principal.js';
import { SignedIn } from '../access/route-access.js';
import { Audit } from '../audit/audit.service.js';
import { Answers, Fails } from '../platform/http/openapi.js';
import { deviceName } from '../sessions/device.js';
import { Sessions } from '../sessions/sessions.service.js';
import { toUserView, userView } from '../users/user.js';
import { Users } from '../users/users.service.js';

const LATEST = 10;

const dashboardView = z
  .strictObject({
    message: z.literal('Welcome to your profile'),
    user: userView,
    sessions: z.strictObject({ active: z.int() }),
    activity: z.array(
      z.strictObject({ type: z.string(), at: z.iso.datetime(), ip: z.string().nullable(), device: z.string() }),
    ),
  })
  .meta({ id: 'Dashboard' });

/** What a user sees first. */
@ApiTags('Dashboard')
@SignedIn()
@Controller('v1/dashboard')
export class DashboardController {
  constructor(
    private readonly users: Users,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The own account, devices and latest activity', operationId: 'getDashboard' })
  @Answers(200, dashboardView)
  @Fails('not_found')
  async read(@CurrentUser() { userId }: Principal): Promise<z.infer<typeof dashboardView>> {
    const [user, active, activity] = await Promise.all([
      this.users.get(userId),
      this.sessions.countLive(userId),
      this.audit.latestOf(userId, LATEST),
    ]);
    return {
      message: 'Welcome to your profile',
      user: toUserView(user),
      sessions: { active },
      activity: activity.map(({ type, at, ip, userAgent }) => ({
        type,
        at: at.toISOString(),
        ip,
        device: deviceName(userAgent),
      })),
    };
  }
}
