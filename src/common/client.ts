import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

const LONGEST_USER_AGENT = 512;

/** Where a request came from, as sessions and the audit log remember it. */
export interface Client {
  ip: string;
  userAgent: string | null;
  requestId: string;
}

/** Reads the client of a request. The address is the socket's unless the peer is a trusted proxy. */
export function clientOf(request: FastifyRequest): Client {
  const userAgent = request.headers['user-agent']?.slice(0, LONGEST_USER_AGENT) ?? null;
  return { ip: plainAddress(request.ip), userAgent, requestId: request.id };
}

/** An IPv4 address that came through an IPv6 socket is written as the IPv4 address it is. */
function plainAddress(ip: string): string {
  return ip.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** Gives a handler the Client of its request. */
export const FromClient = createParamDecorator(
  (_: unknown, context: ExecutionContext): Client => clientOf(context.switchToHttp().getRequest()),
);
