import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiExtension, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';
import type { ProblemCode } from './problem.js';

/** The extension under which a route lists its error codes until the document is completed. */
export const PROBLEM_CODES = 'x-problem-codes';

/** The success answer of a route: its status, set too, and its body, if it has one. */
export function Answers(status: number, schema: z.ZodType | null, description = 'Done') {
  return applyDecorators(
    HttpCode(status),
    ApiResponse({ status, description, ...(schema && { standardSchema: schema as never }) }),
  );
}

/** The extension under which a route says what it does with the refresh cookie, until the document is completed. */
export const REFRESH_COOKIE = 'x-refresh-cookie';
/** The extension under which a route names its limit, until the document is completed. */
export const LIMIT_NAME = 'x-rate-limit';

/** What a route does with the refresh cookie: sets it where that is asked for, exchanges it, or removes it. */
export type CookieUse = 'delivers' | 'refreshes' | 'ends';

/** Tells the document that the route uses the refresh cookie. */
export const UsesRefreshCookie = (use: CookieUse) => ApiExtension(REFRESH_COOKIE, use);

/** The route is an open document: every origin reads it, and its ETag answers 304. */
export function IsOpen() {
  const text = { required: true, schema: { type: 'string' } } as const;
  const headers = {
    ETag: { ...text, description: 'Changes with what the document says' },
    'Cache-Control': { ...text, description: '`public, max-age=300`' },
    'Access-Control-Allow-Origin': { ...text, description: '`*`' },
  };
  return applyDecorators(
    ApiResponse({ status: 200, headers }),
    ApiResponse({ status: 304, description: 'What `If-None-Match` names is what there is', headers }),
  );
}

/** The error codes of a route beyond those that its kind already has (no token, bad body, and so on). */
export function Fails(...codes: ProblemCode[]) {
  return ApiExtension(PROBLEM_CODES, codes);
}
