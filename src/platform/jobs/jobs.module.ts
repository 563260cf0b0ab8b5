import { Global, Module } from '@nestjs/common';
import { Counters } from './counters.js';

/** Work that nobody waits for. */
@Global()
@Module({
  providers: [Counters],
  exports: [Counters],
})
export class JobsModule {}
