import { Module } from '@nestjs/common';
import { Housekeeping } from './housekeeping.js';
import { RefreshCookie } from './refresh-cookie.js';
import { Rotation } from './rotation.service.js';
import { SessionTokens } from './session-tokens.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';

/** One row for each signed-in device. */
@Module({
  controllers: [SessionsController],
  providers: [Sessions, SessionTokens, Rotation, Housekeeping, RefreshCookie],
  exports: [Sessions, SessionTokens, Rotation, RefreshCookie],
})
export class SessionsModule {}
