import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { refuseTunnel, refuseUnreadable } from './client-errors.js';
import { Problem } from './problem.js';
import { forEachServer } from './servers.js';

/** The end of the connection too: a body that was announced may follow, and is not read. */
const CLOSE = { connection: 'close' };

/** A host as a URI has it, and a port (RFC 9110, 7.2; RFC 3986, 3.2.2). Empty where the address of the request names none. */
const HOST_AND_PORT = /^(?:\[[\w.:%~-]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/;

/** Node's option that leaves a request without Host to us. */
export const HOST_IS_CHECKED_HERE = { requireHostHeader: false };

/**
 * Takes from Node what it would refuse by itself with a bare line, without our headers, body and log: a request without
 * Host (RFC 9112, 3.2), one that expects something else than `100-continue` (RFC 9110, 10.1.1), and CONNECT. And what it
 * would take: several Hosts, of which it reads the first and another program the last, and one that is none.
 */
export function takeBareRefusals(fastify: FastifyInstance): void {
  forEachServer(fastify, (server) => {
    listenTo(server);
    // Its first server Fastify tells of that itself.
    if (server !== fastify.server) server.on('clientError', refuseUnreadable);
  });
  fastify.addHook('onRequest', ({ raw }, _reply, done) => {
    done(faultOf(raw));
  });
}

function faultOf({ httpVersion, headers: { host, expect }, rawHeaders }: IncomingMessage): Problem | undefined {
  // HTTP/1.0 knows neither.
  const isNewer = httpVersion === '1.1';
  const isMissing = host === undefined && isNewer;
  if (isMissing || hostsIn(rawHeaders) > 1 || (host !== undefined && !HOST_AND_PORT.test(host)))
    return new Problem('invalid_request', {
      detail: 'Send one Host header, of a host and its port (RFC 9112, 3.2).',
      headers: CLOSE,
    });
  if (!isNewer || expect === undefined || isContinue(expect)) return undefined;
  return new Problem('invalid_request', {
    status: 417,
    title: 'Expectation Failed',
    detail: 'Send no Expect header, or Expect: 100-continue.',
    headers: CLOSE,
  });
}

/** How many there are: of the names and values, in turn, as they came. */
function hostsIn(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count;
}

function isContinue(expectation = ''): boolean {
  return expectation.toLowerCase() === '100-continue';
}

function listenTo(server: Server): void {
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (isContinue(request.headers.expect)) response.writeContinue();
    server.emit('request', request, response);
  };
  // Node takes any text in which it finds 100-continue for the first.
  server.on('checkContinue', answer);
  server.on('checkExpectation', answer);
  server.on('connect', refuseTunnel);
}
