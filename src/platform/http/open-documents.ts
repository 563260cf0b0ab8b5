import { createHash } from 'node:crypto';
import type { FastifyInstance, onSendHookHandler, RouteOptions } from 'fastify';

/**
 * What holds no secret, is the same for everybody and is read by programs of other origins: a page or an edge that
 * verifies access tokens needs the keys.
 */
const PATHS: ReadonlySet<string> = new Set(['/.well-known/jwks.json', '/openapi.json']);

/** Readable from everywhere, without the reader's cookies: one answer for all, which a cache may keep. */
const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'ETag, X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset',
  'cross-origin-resource-policy': 'cross-origin',
};
const GRANTED = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': '*',
  'access-control-max-age': '600',
};

/** Lets every origin read the open documents, and keep them by their ETag. Called as each route is registered. */
export function openToAll(route: RouteOptions): void {
  // First: the handler that HEAD has of its own takes the body away.
  if (PATHS.has(route.url)) route.onSend = [sendOpenly, route.onSend ?? []].flat();
}

/** Answers the preflights of the open documents, whatever origins are allowed elsewhere. */
export function answerOpenPreflights(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
    if (!isPreflight || !PATHS.has(request.url)) return done();
    void reply.status(204).headers(GRANTED).send();
  });
}

const sendOpenly: onSendHookHandler = (request, reply, payload, done) => {
  // Of the list of origins, for which answers are told apart.
  void reply.removeHeader('access-control-allow-credentials').removeHeader('vary').headers(HEADERS);
  if (reply.statusCode !== 200 || typeof payload !== 'string') return done(null, payload);
  const etag = `"${createHash('sha256').update(payload).digest('base64url')}"`;
  void reply.headers({ etag, 'cache-control': 'public, max-age=300' });
  if (!isKnown(request.headers['if-none-match'], etag)) return done(null, payload);
  void reply.status(304);
  done(null, '');
};

/** RFC 9110, 13.1.2: a list, compared weakly. */
function isKnown(listed: string | undefined, etag: string): boolean {
  const tags = (listed ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
