import { Global, Module } from '@nestjs/common';
import { Counters } from './counters.js';
import { HOURLY, RETENTION_SCHEDULE, RetentionJob } from './retention-job.js';

/** Work that nobody waits for. */
@Global()
@Module({
  providers: [Counters, RetentionJob, { provide: RETENTION_SCHEDULE, useValue: HOURLY }],
  exports: [Counters, RetentionJob],
})
export class JobsModule {}
