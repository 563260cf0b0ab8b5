import { Global, Module } from '@nestjs/common';
import { Tallies } from './counters.js';

/** Work that nobody waits for. */
@Global()
@Module({
  providers: [Tallies],
  exports: [Tallies],
})
export class JobsModule {}
