import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import jwt from 'jsonwebtoken';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import type { SessionPrincipal } from '../access/principal.js';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { CONFIG } from '../platform/config/config.module.js';
import { SIGNING_ALGORITHMS } from '../platform/config/signing-key.js';
import { Problem } from '../platform/http/problem.js';
import { readClaims } from '../tokens/claims.js';
import { SigningKeys } from '../tokens/signing-keys.service.js';
import { readTokenForm } from '../tokens/token-form.js';
import { bearerToken } from './bearer-token.js';

type Passport = InstanceType<typeof passport.Authenticator>;

/**
 * Verifies an access token the first time it is seen: form and key before, signature, audience and times by
 * jsonwebtoken, issuer and claims after. A token that fails anywhere is refused alike.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  /** Of this application alone: the instance that passport exports is one for the whole process. */
  declare private passport: Passport;
  private readonly longest: number;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    keys: SigningKeys,
    private readonly clock: Clock,
  ) {
    super({
      jwtFromRequest: bearerToken,
      algorithms: [...SIGNING_ALGORITHMS],
      audience: config.audience,
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: Error | null, key?: string) => void) => {
        const header = readTokenForm(token);
        const key = header && keys.verifier(header.kid, header.alg);
        // A KeyObject: parsing a key from text costs more than the signature. The types of passport-jwt know text only.
        if (key) done(null, key.verifier as unknown as string);
        else done(new Error('The token is not one of ours'));
      },
    });
    this.longest = Math.floor(config.accessTokenTtl / 1000);
  }

  /** Called by the constructor of PassportStrategy, before the fields of this class are there. */
  getPassportInstance(): Passport {
    this.passport = new passport.Authenticator();
    return this.passport;
  }

  /** Who the access token of a request speaks for. Rejects with a Problem: `token_expired`, `invalid_token`. */
  verify(request: FastifyRequest): Promise<SessionPrincipal> {
    return new Promise((resolve, reject) => {
      const conclude = (error: unknown, principal: SessionPrincipal | false | undefined, info: unknown) => {
        if (principal) resolve(principal);
        else reject(error ?? new Problem(info instanceof jwt.TokenExpiredError ? 'token_expired' : 'invalid_token'));
      };
      this.passport.authenticate('jwt', { session: false }, conclude)(request, undefined, reject);
    });
  }

  /**
   * Called by passport with the payload of a token whose signature is good. Throws a Problem `token_expired` for a token of
   * the version before, so that a client refreshes and nobody is signed out by an upgrade.
   */
  validate(payload: unknown): SessionPrincipal | null {
    const { longest, config } = this;
    const now = Math.floor(this.clock.now() / 1000);
    const principal = readClaims(payload, { now, longest, isIssuer: config.isIssuer });
    if (principal === 'outdated') throw new Problem('token_expired');
    return principal;
  }
}
