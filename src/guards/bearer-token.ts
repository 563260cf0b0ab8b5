import type { FastifyRequest } from 'fastify';

const AUTHORIZATION = 'authorization';
const BEARER = /^Bearer +(.*)$/is;

/** The bearer token of a request (RFC 6750, 2.1), or null. Never from the query or the body. */
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
