import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../common/database-errors.js';
import { StrictJsonError } from '../common/strict-json.js';
import { Problem, type ProblemCode } from './problem.js';

/** What a client is told to wait, in seconds, where nothing better is known. */
const RETRY_AFTER = 2;
/** Milliseconds for which the log is silent about a 503 once it has told one: a flood of them must not fill it. */
const SILENCE = 1_000;
const ABOUT_THE_TOKEN = new Set<ProblemCode>([
  'invalid_token',
  'token_expired',
  'token_stale',
  'session_revoked',
  'session_expired',
]);

/** What Fastify refuses by itself, in our words. By status: Nest passes its errors on without their codes. */
const OF_FASTIFY: Record<number, ProblemCode> = {
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/** What a file that is asked for cannot answer (RFC 9110, 15.5.13 and 15.5.17): title and what to do. */
const OF_FILES: Record<number, readonly [title: string, detail: string]> = {
  412: ['Precondition failed', 'The file is in another state than the request demands. Read it anew.'],
  416: ['Range not satisfiable', 'The file has no such part. Content-Range says how long it is.'],
};

/** Answers everything that was thrown, as RFC 9457. The client learns the code; the cause stays in the log. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly silentUntil = new Map<ProblemCode, number>();

  constructor(
    private readonly logger: Logger,
    /** The methods that an unmatched path would have taken. */
    private readonly allowedMethods: (path: string) => string[],
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Answers for Fastify too, which has routes that Nest does not know: the page's, and that of preflights. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = this.toProblem(error, request);
    if (problem.status >= 500) this.log(problem, request.id);
    if (reply.sent) return;
    void reply
      .status(problem.status)
      .headers({ ...headersOf(problem, request), ...problem.headers })
      .type('application/problem+json; charset=utf-8')
      .send(JSON.stringify(problem.body(request.id)));
  }

  /** Each fault of ours is told with its cause; a state that lasts, of the database or the load, once a second. */
  private log({ code, cause }: Problem, requestId: string): void {
    const entry = { ...(cause !== undefined && { err: cause }), requestId };
    const now = performance.now();
    if (code === 'internal_error') this.logger.error(entry, code);
    else if (now >= (this.silentUntil.get(code) ?? 0)) {
      this.silentUntil.set(code, now + SILENCE);
      this.logger.warn(entry, code);
    }
  }

  private toProblem(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof StrictJsonError) return new Problem('malformed_json', { cause: error });
    // Who hung up in the middle of a body left an ECONNRESET, which is not the database's.
    if (request.raw.destroyed && !request.raw.complete) return new Problem('invalid_request', { cause: error });
    if (isDatabaseUnavailable(error)) return new Problem('database_unavailable', { cause: error });
    const status =
      error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number } | null)?.statusCode;
    if (status === 404) return this.unmatched(request);
    if (status === undefined || !(status >= 400 && status < 500))
      return new Problem('internal_error', { cause: error });
    const ofFile = OF_FILES[status];
    return ofFile
      ? aboutFile(status, ofFile, error)
      : new Problem(OF_FASTIFY[status] ?? 'invalid_request', { cause: error });
  }

  private unmatched(request: FastifyRequest): Problem {
    const methods = this.allowedMethods(request.url.split('?')[0] ?? '');
    return methods.length > 0 && !methods.includes(request.method)
      ? new Problem('method_not_allowed', { headers: { allow: methods.join(', ') } })
      : new Problem('not_found');
  }
}

function aboutFile(status: number, [title, detail]: readonly [string, string], cause: unknown): Problem {
  const length = (cause as { headers?: Record<string, string> }).headers?.['Content-Range'];
  const headers: Record<string, string> = length === undefined ? {} : { 'content-range': length };
  return new Problem('invalid_request', { status, title, detail, headers, cause });
}

function headersOf({ code, status }: Problem, request: FastifyRequest): Record<string, string> {
  // What Fastify refuses before it has a route meets none of the hooks that set these.
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
  };
  if (status === 429 || status === 503) headers['retry-after'] = String(RETRY_AFTER);
  if (status === 401) {
    // RFC 6750, 3: an error is named only to who sent a token.
    const named = ABOUT_THE_TOKEN.has(code) && request.headers.authorization !== undefined;
    headers['www-authenticate'] = named ? 'Bearer error="invalid_token"' : 'Bearer';
  }
  return headers;
}
