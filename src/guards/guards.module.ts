import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { UndeclaredInputGuard } from '../platform/http/undeclared-input.guard.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { RolesModule } from '../roles/roles.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { AccessGuard } from './access.guard.js';
import { AUTHENTICATORS, type Authenticator } from './authenticator.js';
import { JwtStrategy } from './jwt.strategy.js';
import { JwtAuthGuard } from './jwt-auth.guard.js';
import { SessionTokenAuthenticator } from './session-token.authenticator.js';

/** Enforcement of what routes ask: the guards stand before every route of the application, in this order. */
@Module({
  imports: [RevocationModule, RolesModule, TokensModule],
  providers: [
    JwtStrategy,
    SessionTokenAuthenticator,
    {
      provide: AUTHENTICATORS,
      useFactory: (...authenticators: Authenticator[]) => authenticators,
      inject: [SessionTokenAuthenticator],
    },
    { provide: APP_GUARD, useClass: JwtAuthGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: UndeclaredInputGuard },
  ],
})
export class GuardsModule {}
