import type { FastifyRequest } from 'fastify';

/** How requests to a route are limited that has a limit of its own on what it does. */
interface RouteLimit {
  /** Whether its requests are counted apart from the common 600 a minute, or not at all. */
  requests: 'apart' | 'uncounted';
  /** A password is guessed: an address that was wrong too often is refused before the body is read. */
  guesses?: true;
  /** Anybody may make it hash a password: a full hash queue refuses before the body is read. */
  hashes?: true;
}

/** Every limit that a route may name with `@RateLimit`. The common one holds for a route that names none. */
export const ROUTE_LIMITS = {
  /** Wrong passwords by account and by address, see `LoginThrottle`. */
  'sign-in': { requests: 'apart', guesses: true, hashes: true },
  /** Registrations by address, see `Quotas`. */
  registration: { requests: 'apart', hashes: true },
  /** Requests for a mail by address, and mails by recipient, see `Quotas`. */
  'mail-request': { requests: 'apart' },
  /** Probes and scrapes of the operator's own machines, which must be answered in a flood too. */
  none: { requests: 'uncounted' },
} as const satisfies Record<string, RouteLimit>;

/** The name of a limit. */
export type RouteLimitName = keyof typeof ROUTE_LIMITS;

declare module 'fastify' {
  interface FastifyContextConfig {
    rateLimit?: RouteLimitName;
  }
}

/** The limit that the route of a request names; undefined where it names none, or where there is no such route. */
export function routeLimitOf(request: FastifyRequest): RouteLimit | undefined {
  const name = request.routeOptions.config?.rateLimit;
  return name && ROUTE_LIMITS[name];
}
