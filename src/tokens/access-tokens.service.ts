import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { SessionPrincipal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import { newId } from '../platform/common/id.js';
import { TwoGenerationCache } from '../platform/common/two-generation-cache.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { authenticationContextOf } from './authentication-context.js';
import { type Claims, FIRST_PARTY } from './claims.js';
import { claimedRoles, LARGEST_ROLES } from './role-claim.js';
import { SigningKeys } from './signing-keys.service.js';
import { LONGEST_TOKEN } from './token-form.js';
import { TokenTooLongError } from './token-too-long-error.js';

/** Verified tokens that are remembered at most: about 2 KB each. */
const REMEMBERED = 20_000;

/** For whom a token is minted. */
export interface TokenSubject {
  userId: string;
  sessionId: string;
  username: string | null;
  roles: string[];
  tokenVersion: number;
  /** No token outlives its session. */
  sessionExpiresAt: Date;
  /** When the user last proved who they are in this session. */
  authTime: Date;
  /** How, as the session's row names it. */
  authMethods: string[];
}

/** As much as the tables let a user have. */
const LARGEST_SUBJECT: Omit<TokenSubject, 'sessionExpiresAt'> = {
  userId: newId(),
  sessionId: newId(),
  username: 'u'.repeat(32),
  roles: LARGEST_ROLES,
  tokenVersion: 2 ** 31 - 1,
  authTime: new Date(),
  authMethods: Array.from({ length: 8 }, () => 'recovery-code'),
};

/** Mints access tokens (RFC 9068) and remembers those whose signature has been checked. */
@Injectable()
export class AccessTokens {
  private readonly verified = new TwoGenerationCache<Verified>(REMEMBERED);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly jwt: JwtService,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  /** Signs an access token. `expiresIn` is in seconds. */
  mint(subject: TokenSubject): { accessToken: string; expiresIn: number } {
    const { kid, alg, secret } = this.keys.current();
    const now = Math.floor(this.clock.now() / 1000);
    const left = Math.floor(subject.sessionExpiresAt.getTime() / 1000) - now;
    const expiresIn = Math.max(1, Math.min(Math.floor(this.config.accessTokenTtl / 1000), left));
    const claims: Claims = {
      iss: this.config.issuer,
      aud: this.config.audience,
      sub: subject.userId,
      sid: subject.sessionId,
      jti: newId(),
      iat: now,
      exp: now + expiresIn,
      client_id: FIRST_PARTY,
      roles: claimedRoles(subject.roles),
      ver: subject.tokenVersion,
      username: subject.username,
      auth_time: Math.floor(subject.authTime.getTime() / 1000),
      ...authenticationContextOf(subject.authMethods),
    };
    const accessToken = this.jwt.sign(claims, {
      privateKey: secret,
      algorithm: alg,
      header: { alg, typ: 'at+jwt', kid },
    });
    return { accessToken, expiresIn };
  }

  /**
   * Mints the longest token that this deployment can give, so that none is refused for its size afterwards. Throws
   * TokenTooLongError where its settings leave too little room.
   */
  assertLongestFits(): void {
    const { accessToken } = this.mint({ ...LARGEST_SUBJECT, sessionExpiresAt: new Date(8.64e15) });
    if (accessToken.length > LONGEST_TOKEN) throw new TokenTooLongError(accessToken.length - LONGEST_TOKEN);
  }

  /** The principal of a token that has passed every check before and has not expired since. */
  recall(token: string): SessionPrincipal | undefined {
    const verified = this.verified.get(keyOf(token));
    if (verified?.token !== token || verified.principal.expiresAt <= this.clock.now()) return undefined;
    // Another set of keys may lack the one that signed this token, so it goes the full way again.
    return verified.keys === this.keys.edition ? verified.principal : undefined;
  }

  /** Remembers a token that has passed every check. */
  remember(token: string, principal: SessionPrincipal): void {
    this.verified.set(keyOf(token), { token, principal, keys: this.keys.edition });
  }
}

/** A token and whom it speaks for. The token is compared whole (CVE-2026-35039). */
interface Verified {
  token: string;
  principal: SessionPrincipal;
  /** The edition of the signing keys that it was verified with. */
  keys: number;
}

/** The end of the signature finds a token: hashing all of its text costs more than comparing it. */
function keyOf(token: string): string {
  return token.slice(-32);
}
