import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import jwt from 'jsonwebtoken';
import type { AuthenticatedRequest, Principal } from '../access/principal.js';
import { accessRuleOf } from '../access/route-access.js';
import { Problem } from '../platform/http/problem.js';
import { Revocations } from '../revocation/revocations.service.js';
import { AccessTokens } from '../tokens/access-tokens.service.js';
import { bearerToken, isAmbiguous } from './jwt.strategy.js';

/**
 * Who is calling? Every route but the public ones needs a good access token.
 * A token seen before is answered from memory and synchronously; one seen first goes through passport and JwtStrategy.
 * Whether it was revoked since is asked every time.
 */
@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly revocations: Revocations,
  ) {
    super();
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const kind = accessRuleOf(context.getHandler(), context.getClass())?.kind;
    if (kind === 'public') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    return kind === 'optional' ? this.identify(context, request) : this.requireUser(context, request);
  }

  /** Passport's verdict, put in our words. */
  override handleRequest<User = Principal>(error: unknown, user: User | false, info: unknown): User {
    if (error) throw error;
    if (user) return user;
    throw new Problem(info instanceof jwt.TokenExpiredError ? 'token_expired' : 'invalid_token');
  }

  private requireUser(context: ExecutionContext, request: AuthenticatedRequest): boolean | Promise<boolean> {
    const token = bearerToken(request);
    if (isAmbiguous(request)) throw new Problem('invalid_token');
    if (token === null) throw new Problem('unauthorized');
    const principal = this.tokens.recall(token);
    if (!principal || !this.revocations.isSynchronized) return this.authenticate(context, request, token, principal);
    refuse(this.revocations.refusal(principal));
    request.user = principal;
    return true;
  }

  /** Lets everybody in, and leaves with the request who it is or why that could not be told. */
  private async identify(context: ExecutionContext, request: AuthenticatedRequest): Promise<boolean> {
    try {
      return await this.requireUser(context, request);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      request.refusal = error;
      delete request.user;
      return true;
    }
  }

  private async authenticate(
    context: ExecutionContext,
    request: AuthenticatedRequest,
    token: string,
    known: Principal | undefined,
  ): Promise<boolean> {
    if (known) request.user = known;
    else await super.canActivate(context);
    const principal = request.user;
    if (!principal) throw new Problem('invalid_token');
    if (!known) this.tokens.remember(token, principal);
    refuse(this.revocations.refusal(principal));
    if (!this.revocations.isSynchronized) refuse(await this.revocations.ask(principal));
    return true;
  }
}

function refuse(code: ReturnType<Revocations['refusal']>): void {
  if (code) throw new Problem(code);
}
