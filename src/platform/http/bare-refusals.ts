import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import fastifySymbols from 'fastify/lib/symbols.js';
import { refuseTunnel, refuseUnreadable } from './client-errors.js';
import { Problem } from './problem.js';

/** The end of the connection too: a body that was announced may follow, and is not read. */
const CLOSE = { connection: 'close' };

/** Node's option that leaves a request without Host to us. */
export const HOST_IS_CHECKED_HERE = { requireHostHeader: false };

/**
 * Takes from Node what it would refuse by itself with a bare line, without our headers, body and log: a request without
 * Host (RFC 9112, 3.2), one that expects something else than `100-continue` (RFC 9110, 10.1.1), and CONNECT.
 */
export function takeBareRefusals(fastify: FastifyInstance): void {
  listenTo(fastify.server);
  fastify.addHook('onListen', (done) => {
    for (const server of othersOf(fastify)) {
      listenTo(server);
      server.on('clientError', refuseUnreadable);
    }
    done();
  });
  fastify.addHook('onRequest', ({ raw }, _reply, done) => {
    // HTTP/1.0 knows neither.
    done(raw.httpVersion === '1.1' ? faultOf(raw) : undefined);
  });
}

function faultOf({ headers: { host, expect } }: IncomingMessage): Problem | undefined {
  if (host === undefined)
    return new Problem('invalid_request', { detail: 'Send a Host header (RFC 9112, 3.2).', headers: CLOSE });
  if (expect === undefined || isContinue(expect)) return undefined;
  return new Problem('invalid_request', {
    status: 417,
    title: 'Expectation Failed',
    detail: 'Send no Expect header, or Expect: 100-continue.',
    headers: CLOSE,
  });
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

/** For `localhost` Fastify listens at each of its addresses, and tells of one server alone. */
function othersOf(fastify: FastifyInstance): Server[] {
  return (fastify as unknown as Record<symbol, Server[]>)[fastifySymbols.kServerBindings] ?? [];
}
