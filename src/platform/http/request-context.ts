import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

const LONGEST_USER_AGENT = 512;

/** Where a request came from, as sessions and the audit log remember it. */
export interface RequestContext {
  ip: string;
  userAgent: string | null;
  requestId: string;
}

/** Reads the client of a request, its address as `readClientAddresses` does. */
export function requestContextOf(request: FastifyRequest): RequestContext {
  const userAgent = request.headers['user-agent']?.slice(0, LONGEST_USER_AGENT) ?? null;
  return { ip: request.clientAddress, userAgent, requestId: request.id };
}

/** Gives a handler the context of its request. */
export const Context = createParamDecorator(
  (_: unknown, context: ExecutionContext): RequestContext => requestContextOf(context.switchToHttp().getRequest()),
);
