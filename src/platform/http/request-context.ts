import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { forwardedAddress, plainAddress } from '../common/address.js';

const LONGEST_USER_AGENT = 512;

/** Where a request came from, as sessions and the audit log remember it. */
export interface RequestContext {
  ip: string;
  userAgent: string | null;
  requestId: string;
}

/**
 * Reads the client of a request. The address is the socket's unless the peer is a trusted proxy; then it is the right-most
 * hop of X-Forwarded-For that is none. A proxy that forwards something else than an address is taken for the client itself.
 */
export function requestContextOf(request: FastifyRequest): RequestContext {
  const userAgent = request.headers['user-agent']?.slice(0, LONGEST_USER_AGENT) ?? null;
  return { ip: addressOf(request), userAgent, requestId: request.id };
}

/** The plain address of a request's client, as in `requestContextOf`. */
function addressOf(request: FastifyRequest): string {
  return forwardedAddress(request.ip ?? '') ?? plainAddress(request.socket.remoteAddress ?? '') ?? '0.0.0.0';
}

/** Gives a handler the context of its request. */
export const Context = createParamDecorator(
  (_: unknown, context: ExecutionContext): RequestContext => requestContextOf(context.switchToHttp().getRequest()),
);
