import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { UndeclaredInputGuard } from '../common/undeclared-input.guard.js';
import { AccessTokens } from './access-tokens.service.js';
import { AppSecretProof } from './app-secret-proof.js';
import { JwksController } from './jwks.controller.js';
import { JwtStrategy } from './jwt.strategy.js';
import { JwtAuthGuard } from './jwt-auth.guard.js';
import { RevocationList } from './revocation-list.js';
import { Revocations } from './revocations.service.js';
import { RoleTable } from './role-table.js';
import { RolesGuard } from './roles.guard.js';
import { SigningKeys } from './signing-keys.service.js';

/** Who is calling, and may they. The guards stand before every route of the application, in this order. */
@Global()
@Module({
  imports: [JwtModule.register({}), PassportModule],
  controllers: [JwksController],
  providers: [
    AccessTokens,
    AppSecretProof,
    JwtStrategy,
    RevocationList,
    Revocations,
    RoleTable,
    SigningKeys,
    { provide: APP_GUARD, useClass: JwtAuthGuard },
    { provide: APP_GUARD, useClass: RolesGuard },
    { provide: APP_GUARD, useClass: UndeclaredInputGuard },
  ],
  exports: [AccessTokens, AppSecretProof, Revocations, RoleTable, SigningKeys],
})
export class AccessModule {}
