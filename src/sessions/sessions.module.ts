import { Module } from '@nestjs/common';
import { Housekeeping } from './housekeeping.js';
import { RefreshCookie } from './refresh-cookie.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';

/** One row for each signed-in device. */
@Module({
  controllers: [SessionsController],
  providers: [Sessions, Housekeeping, RefreshCookie],
  exports: [Sessions, RefreshCookie],
})
export class SessionsModule {}
