import { Global, Module } from '@nestjs/common';
import { Counters } from './counters.js';
import { DeferredWork } from './deferred-work.js';
import { HOURLY, RETENTION_SCHEDULE, RetentionJob } from './retention-job.js';

/** Work that nobody waits for. */
@Global()
@Module({
  providers: [Counters, DeferredWork, RetentionJob, { provide: RETENTION_SCHEDULE, useValue: HOURLY }],
  exports: [Counters, DeferredWork, RetentionJob],
})
export class JobsModule {}
