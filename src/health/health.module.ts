import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AdminModule } from '../admin/admin.module.js';
import { Draining } from '../platform/http/draining.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { DatabaseProbe } from './database-probe.js';
import { HealthController } from './health.controller.js';

/** Liveness and readiness. */
@Module({
  imports: [AdminModule, RevocationModule, TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 })],
  providers: [DatabaseProbe, Draining],
  controllers: [HealthController],
})
export class HealthModule {}
