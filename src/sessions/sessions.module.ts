import { Module } from '@nestjs/common';
import { RevocationModule } from '../revocation/revocation.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { CurrentSessionController } from './current-session.controller.js';
import { MassLogout } from './mass-logout.service.js';
import { RefreshCookie } from './refresh-cookie.js';
import { SessionRetention } from './retention.js';
import { Rotation } from './rotation.service.js';
import { SessionSweeper } from './session-sweeper.service.js';
import { SessionTokens } from './session-tokens.js';
import { SessionWriteBack } from './session-write-back.js';
import { SessionsController } from './sessions.controller.js';
import { Sessions } from './sessions.service.js';

/** One row for each signed-in device. */
@Module({
  imports: [RevocationModule, TokensModule],
  controllers: [CurrentSessionController, SessionsController],
  providers: [
    Sessions,
    SessionTokens,
    SessionSweeper,
    Rotation,
    SessionRetention,
    SessionWriteBack,
    RefreshCookie,
    MassLogout,
  ],
  exports: [Sessions, SessionTokens, Rotation, RefreshCookie, MassLogout],
})
export class SessionsModule {}
