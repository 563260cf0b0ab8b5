import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { RouteTable } from './route-table.js';
import type { Headers } from './security-headers.js';

const VALID_ID = /^[\w.:-]{1,128}$/;

/** Sets this process's requests apart from every other's. */
const PROCESS = randomBytes(9).toString('base64url');
let count = 0;

/** An id that no request has had. */
export function newRequestId(): string {
  return `${PROCESS}.${(++count).toString(36)}`;
}

/** The id of a request: the one that came with it, if it is one, so that a trace goes through; else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && VALID_ID.test(given) ? given : newRequestId();
}

/**
 * Sets the headers that every answer has. Most hold a token or personal data, so none is kept by a cache unless its route
 * says so. On the reply, not on the raw response: Fastify then writes the head in one go.
 */
export function setHeaders(fastify: FastifyInstance, security: Headers): void {
  const fixed = { ...security, 'cache-control': 'no-store' };
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.headers(fixed).header('x-request-id', request.id);
    done();
  });
}

/** The form of an address that a client sends to a proxy (RFC 9112, 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * The address of a request without scheme and host. Where it had them its host is the one that counts, and no longer what stands in
 * the header: the two may differ (RFC 9112, 3.2.2).
 */
function withoutHost(request: IncomingMessage): string {
  const { url = '/' } = request;
  const [, host, rest] = (url.startsWith('/') ? null : ABSOLUTE.exec(url)) ?? [];
  if (host === undefined || rest === undefined) return url;
  request.headers.host = host;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * The address of a request to find its route by. One whose percent signs encode nothing (RFC 3986, 2.1) stands for itself:
 * Fastify would refuse it ahead of every hook, without a line in the log and without our headers.
 */
export function decodableUrl(request: IncomingMessage): string {
  const url = withoutHost(request);
  if (!url.includes('%')) return url;
  const [path = '', ...query] = url.split('?');
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return [path.replaceAll('%', '%25'), ...query].join('?');
  }
}

/** The path under which people reach the server, as `PUBLIC_URL` has it, without a slash at its end: empty at the root. */
export const basePathOf = (publicUrl: string) => new URL(publicUrl).pathname.replace(/\/+$/, '');

/**
 * As `decodableUrl`, without the path of `PUBLIC_URL`, which some proxies pass on and others take away. Where routes begin like
 * it the two cannot be told apart: then it has to be taken away.
 */
export function routableUrl(basePath: string, routes: RouteTable): (request: IncomingMessage) => string {
  if (basePath === '') return decodableUrl;
  return (request) => {
    const url = decodableUrl(request);
    const rest = url.slice(basePath.length);
    if (!url.startsWith(basePath) || !/^(?:[/?]|$)/.test(rest) || routes.beginsLike(basePath)) return url;
    return rest.startsWith('/') ? rest : `/${rest}`;
  };
}

/**
 * Writes one line for each request, without query, headers or body: they hold people's data and secrets.
 * A read that went well is worth a line to who debugs; all else is worth one to everybody.
 */
export function logRequests(fastify: FastifyInstance, parent: Logger): void {
  // Every member of the line is known and none is a secret; looking for some costs as much as answering a refusal.
  const logger = parent.child({}, { redact: [] });
  fastify.addHook('onResponse', (request, reply, done) => {
    const level = reply.statusCode >= 400 || request.method !== 'GET' ? 'info' : 'debug';
    if (logger.isLevelEnabled(level)) {
      logger[level](
        {
          requestId: request.id,
          method: request.method,
          path: request.routeOptions.url ?? '(none)',
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          ip: request.clientAddress,
        },
        'request',
      );
    }
    done();
  });
}
