import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { DashboardController } from './dashboard.controller.js';

/** What somebody sees first after signing in. */
@Module({ imports: [SessionsModule, UsersModule], controllers: [DashboardController] })
export class DashboardModule {}
