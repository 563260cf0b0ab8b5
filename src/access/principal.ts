import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Problem } from '../platform/http/problem.js';

/** A user in one of their sessions: what a verified access token says, and nothing from the database. */
export interface SessionPrincipal {
  kind: 'session';
  userId: string;
  sessionId: string;
  username: string | null;
  roles: readonly string[];
  /** The user's version that the token was minted with: it rises when their roles or their password change. */
  tokenVersion: number;
  /** When the token was minted, milliseconds since the epoch. */
  issuedAt: number;
  /** When the token ends, milliseconds since the epoch. */
  expiresAt: number;
}

/** Who is calling. A route that only a session may call takes a SessionPrincipal. */
export type Principal = SessionPrincipal;

/** A request that has passed the authentication guard. */
export interface AuthenticatedRequest extends FastifyRequest {
  user?: Principal;
  /** On a route that takes callers without a token too: why the token that came was refused. */
  refusal?: Problem;
}

/** Gives a handler the principal of its request. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<AuthenticatedRequest>().user,
);
