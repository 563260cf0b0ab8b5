import { type CookieUse, LIMIT_NAME, REFRESH_COOKIE } from './openapi.js';

/** A response as the document has it. */
export interface DocumentedResponse {
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: Record<string, unknown> }>;
}

interface Operation {
  responses: Record<string, DocumentedResponse>;
  [REFRESH_COOKIE]?: CookieUse;
  [LIMIT_NAME]?: string;
}

const text = (description: string, required = true) => ({ description, required, schema: { type: 'string' } });
const count = (description: string, required = true) => ({ description, required, schema: { type: 'integer' } });

/** The headers that more than one answer has, as components of the document; what is not required depends on more. */
export const HEADERS = {
  'X-Request-Id': text('By which the log knows the request; a proper one that came with it is kept'),
  'RateLimit-Limit': count('Requests of one address in a window; absent where RATE_LIMITS=off', false),
  'RateLimit-Remaining': count('What is left of them', false),
  'RateLimit-Reset': count('Seconds until the window ends', false),
  'Retry-After': count('Seconds to wait'),
  'WWW-Authenticate': text('`Bearer`, with `error="invalid_token"` where a token came (RFC 6750, 3)'),
  'Set-Cookie': text('The refresh token, where it is delivered by cookie; or the removal of the cookie', false),
  'Clear-Site-Data': text('`"storage"`, where the cookie came with the request', false),
} as const;

type HeaderName = keyof typeof HEADERS;

const RATE: HeaderName[] = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];

/** Adds to every answer of an operation the headers that it has. */
export function addHeaders(operation: Operation): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    const names: HeaderName[] = ['X-Request-Id', ...ofLimit(operation), ...ofStatus(Number(status))];
    if (setsCookie(operation[REFRESH_COOKIE], Number(status))) names.push('Set-Cookie');
    if (operation[REFRESH_COOKIE] === 'ends') names.push('Clear-Site-Data');
    const shared = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
    response.headers = { ...response.headers, ...Object.fromEntries(shared) };
  }
  delete operation[REFRESH_COOKIE];
  delete operation[LIMIT_NAME];
}

function ofLimit(operation: Operation): HeaderName[] {
  return operation[LIMIT_NAME] === 'none' ? [] : RATE;
}

function ofStatus(status: number): HeaderName[] {
  if (status === 401) return ['WWW-Authenticate'];
  return status === 429 || status === 503 ? ['Retry-After'] : [];
}

/** A sign-out removes it however it ends; a refresh also where the session has ended. */
function setsCookie(use: CookieUse | undefined, status: number): boolean {
  if (use === 'ends') return true;
  return (use !== undefined && status < 300) || (use === 'refreshes' && status === 401);
}
