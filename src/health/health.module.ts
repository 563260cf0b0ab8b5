import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { UsersModule } from '../users/users.module.js';
import { DatabaseProbe } from './database-probe.js';
import { HealthController } from './health.controller.js';

/** Liveness and readiness. */
@Module({
  imports: [UsersModule, TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 })],
  providers: [DatabaseProbe],
  controllers: [HealthController],
})
export class HealthModule {}
