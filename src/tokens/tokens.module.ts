import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AccessTokens } from './access-tokens.service.js';
import { AppSecretProof } from './app-secret-proof.js';
import { JwksController } from './jwks.controller.js';
import { SigningKeys } from './signing-keys.service.js';

/** Access tokens, and the keys that sign and verify them. */
@Module({
  imports: [JwtModule.register({})],
  controllers: [JwksController],
  providers: [AccessTokens, AppSecretProof, SigningKeys],
  exports: [AccessTokens, AppSecretProof, SigningKeys],
})
export class TokensModule {}
