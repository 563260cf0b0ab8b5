import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { SessionPrincipal } from '../access/principal.js';
import { Problem } from '../platform/http/problem.js';
import { Revocations } from '../revocation/revocations.service.js';
import { AccessTokens } from '../tokens/access-tokens.service.js';
import type { Authenticator } from './authenticator.js';
import { JwtStrategy } from './jwt.strategy.js';

/**
 * Takes the access tokens of sessions. One seen before is answered from memory; one seen first goes through passport and
 * JwtStrategy. Whether it was revoked since is asked every time.
 */
@Injectable()
export class SessionTokenAuthenticator implements Authenticator {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly revocations: Revocations,
    private readonly strategy: JwtStrategy,
  ) {}

  recognizes(token: string): boolean {
    return token.includes('.');
  }

  authenticate(token: string, request: FastifyRequest): SessionPrincipal | Promise<SessionPrincipal> {
    const principal = this.tokens.recall(token);
    if (!principal || !this.revocations.isSynchronized) return this.verify(token, request, principal);
    refuse(this.revocations.refusal(principal));
    return principal;
  }

  private async verify(
    token: string,
    request: FastifyRequest,
    known: SessionPrincipal | undefined,
  ): Promise<SessionPrincipal> {
    const principal = known ?? (await this.strategy.verify(request));
    if (!known) this.tokens.remember(token, principal);
    refuse(this.revocations.refusal(principal));
    if (!this.revocations.isSynchronized) refuse(await this.revocations.ask(principal));
    return principal;
  }
}

function refuse(code: ReturnType<Revocations['refusal']>): void {
  if (code) throw new Problem(code);
}
