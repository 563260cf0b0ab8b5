import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { AuthenticatedRequest, Principal } from '../access/principal.js';
import { accessRuleOf } from '../access/route-access.js';
import { Problem } from '../platform/http/problem.js';
import { AUTHENTICATORS, type Authenticator } from './authenticator.js';
import { bearerToken, isAmbiguous } from './bearer-token.js';

/**
 * Who is calling? Every route but the public ones needs a good bearer token.
 * The first authenticator that recognizes the token decides; a remembered token is answered synchronously.
 */
@Injectable()
export class JwtAuthGuard implements CanActivate {
  constructor(@Inject(AUTHENTICATORS) private readonly authenticators: readonly Authenticator[]) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const kind = accessRuleOf(context.getHandler(), context.getClass())?.kind;
    if (kind === 'public') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    return kind === 'optional' ? this.identify(request) : this.requirePrincipal(request);
  }

  private requirePrincipal(request: AuthenticatedRequest): boolean | Promise<boolean> {
    const principal = this.authenticate(request);
    if (principal instanceof Promise) return principal.then((verified) => admit(request, verified));
    return admit(request, principal);
  }

  /** Lets everybody in, and leaves with the request who it is or why that could not be told. */
  private async identify(request: AuthenticatedRequest): Promise<boolean> {
    try {
      return admit(request, await this.authenticate(request));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      request.refusal = error;
      return true;
    }
  }

  private authenticate(request: AuthenticatedRequest): Principal | Promise<Principal> {
    const token = bearerToken(request);
    if (isAmbiguous(request)) throw new Problem('invalid_token');
    if (token === null) throw new Problem('unauthorized');
    const authenticator = this.authenticators.find((candidate) => candidate.recognizes(token));
    if (!authenticator) throw new Problem('invalid_token');
    return authenticator.authenticate(token, request);
  }
}

function admit(request: AuthenticatedRequest, principal: Principal): true {
  request.user = principal;
  return true;
}
