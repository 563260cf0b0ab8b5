import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
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

const AUTHORIZATION = 'authorization';
const BEARER = /^Bearer +(.*)$/is;

/** The access token of a request (RFC 6750, 2.1), or null. Never from the query or the body. */
export function bearerToken(request: Pick<FastifyRequest, 'headers'>): string | null {
  const { authorization } = request.headers;
  if (authorization === undefined) return null;
  // How nearly every client writes it; the general form costs a pass over the whole token.
  if (authorization.startsWith('Bearer ') && authorization[7] !== ' ') return authorization.slice(7);
  return BEARER.exec(authorization)?.[1] ?? null;
}

/** Whether more than one Authorization header came. Node keeps the first and tells nobody; a proxy may go by the last. */
export function isAmbiguous({ raw }: Pick<FastifyRequest, 'raw'>): boolean {
  let seen = 0;
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    const name = raw.rawHeaders[i] ?? '';
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) seen++;
  }
  return seen > 1;
}

/**
 * Verifies an access token the first time it is seen: form and key before, signature, audience and times by
 * jsonwebtoken, issuer and claims after. A token that fails anywhere is refused alike.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
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
