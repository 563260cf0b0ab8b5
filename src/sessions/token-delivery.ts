import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, map, type Observable } from 'rxjs';
import { UsesRefreshCookie } from '../platform/http/openapi.js';
import { Problem } from '../platform/http/problem.js';
import { RefreshCookie } from './refresh-cookie.js';
import { OvertakenTokenProblem } from './rotation.service.js';
import type { Tokens } from './session.js';

function requestAndReply(context: ExecutionContext): [FastifyRequest, FastifyReply] {
  const http = context.switchToHttp();
  return [http.getRequest(), http.getResponse()];
}

/** Puts a new refresh token into the cookie instead of the body where the client asks for it. */
@Injectable()
class CookieDelivery implements NestInterceptor<Tokens, Partial<Tokens>> {
  constructor(private readonly cookie: RefreshCookie) {}

  intercept(context: ExecutionContext, next: CallHandler<Tokens>): Observable<Partial<Tokens>> {
    const [request, reply] = requestAndReply(context);
    const delivery = request.headers['x-token-delivery'];
    if (delivery === undefined) return next.handle();
    if (delivery !== 'cookie') throw new Problem('invalid_request', { detail: 'X-Token-Delivery can only be cookie.' });
    this.cookie.refuseCrossSite(request);
    // A registration whose email must be confirmed first answers without tokens.
    return next
      .handle()
      .pipe(map((answer) => ('refreshToken' in answer ? this.cookie.deliver(reply, answer) : answer)));
  }
}

/** Takes the refresh token from the cookie, and puts its successor there. */
@Injectable()
class CookieRefresh implements NestInterceptor<Tokens, Partial<Tokens>> {
  constructor(private readonly cookie: RefreshCookie) {}

  intercept(context: ExecutionContext, next: CallHandler<Tokens>): Observable<Partial<Tokens>> {
    const [request, reply] = requestAndReply(context);
    if (!this.cookie.isIn(request)) return next.handle();
    this.cookie.refuseCrossSite(request);
    moveIntoBody(request, this.cookie.read(request));
    return next.handle().pipe(
      map((tokens) => this.cookie.deliver(reply, tokens)),
      catchError((error) => {
        // A browser whose token was overtaken has the new one in its cookie by now, and would lose that.
        const isDead = error instanceof Problem && error.status === 401 && !(error instanceof OvertakenTokenProblem);
        if (isDead) this.cookie.clear(request, reply);
        throw error;
      }),
    );
  }
}

/** Takes the refresh token from the cookie, and our cookie from the browser, however the sign-out ends. */
@Injectable()
class CookieLogout implements NestInterceptor {
  constructor(private readonly cookie: RefreshCookie) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [request, reply] = requestAndReply(context);
    const isIn = this.cookie.isIn(request);
    if (isIn) this.cookie.refuseCrossSite(request);
    this.cookie.clear(request, reply);
    if (isIn) {
      // What a page has stored is the user's too (ASVS 5.0, 14.3.1), and stored for this very port. No answer of ours is in
      // the browser's cache.
      void reply.header('clear-site-data', '"storage"');
      moveIntoBody(request, this.cookie.read(request));
    }
    return next.handle();
  }
}

/** From here on the request is one that has the token in its body. Two tokens would be two answers to whose session it is. */
function moveIntoBody(request: FastifyRequest, refreshToken: string | null): void {
  const body: unknown = request.body ?? {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return;
  if ('refreshToken' in body) {
    throw Problem.field('/refreshToken', 'Send the refresh token in the cookie or in the body, not in both.');
  }
  request.body = { ...body, refreshToken };
}

/** The route signs somebody in: with `X-Token-Delivery: cookie` the refresh token comes as a cookie. */
export function DeliversTokens() {
  return applyDecorators(
    UseInterceptors(CookieDelivery),
    UsesRefreshCookie('delivers'),
    ApiHeader({
      name: 'X-Token-Delivery',
      required: false,
      schema: { type: 'string', enum: ['cookie'] },
      description:
        '`cookie`: for browsers. The refresh token comes as a cookie that no script can read, and not in the body',
    }),
  );
}

/** The route exchanges the refresh token of the cookie, where there is one. */
export const RefreshesCookie = () => applyDecorators(UseInterceptors(CookieRefresh), UsesRefreshCookie('refreshes'));

/** The route ends the session of the cookie, where there is one, and removes it. */
export const EndsCookie = () => applyDecorators(UseInterceptors(CookieLogout), UsesRefreshCookie('ends'));
