import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { AccessTokens, type TokenSubject } from '../tokens/access-tokens.service.js';
import { type RefreshTokenPayload, readRefreshToken, writeRefreshToken } from './refresh-token.js';
import type { Tokens } from './session.js';

/** The two tokens of a session, under the keys of this deployment. Asks no database. */
@Injectable()
export class SessionTokens {
  private readonly key: Buffer;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly accessTokens: AccessTokens,
  ) {
    this.key = config.deriveKey('refresh tokens');
  }

  /** What a genuine refresh token claims, whatever has become of its session; null for anything else. */
  read(refreshToken: string): RefreshTokenPayload | null {
    return readRefreshToken(refreshToken, this.key);
  }

  /** An access token for the subject, and the refresh token with the claim. */
  write(subject: TokenSubject, claim: RefreshTokenPayload): Tokens {
    return {
      ...this.accessTokens.mint(subject),
      tokenType: 'Bearer',
      refreshToken: writeRefreshToken(claim, this.key),
      session: { id: subject.sessionId, expiresAt: subject.sessionExpiresAt.toISOString() },
    };
  }
}
