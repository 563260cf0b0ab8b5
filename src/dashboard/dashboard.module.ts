import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { DashboardController } from './dashboard.controller.js';
import { StatsController } from './stats.controller.js';
import { StatsService } from './stats.service.js';

/** What somebody sees first after signing in, and what an admin sees of everybody. */
@Module({
  imports: [SessionsModule, UsersModule],
  controllers: [DashboardController, StatsController],
  providers: [StatsService],
})
export class DashboardModule {}
