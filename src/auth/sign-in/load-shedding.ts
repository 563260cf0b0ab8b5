import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { requestContextOf } from '../../platform/http/request-context.js';
import type { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { nameKey } from '../../users/users.service.js';

const LOGIN = '/v1/auth/login';
/** Where anybody may make the server hash a password. */
const PATHS = new Set([LOGIN, '/v1/auth/register']);

/**
 * Refuses a sign-in that would be refused anyway as early as that is known: for its address or a full hash queue before its
 * body is read, for its name before the database is asked whose it is; and a registration for a full hash queue. While it is
 * flooded the server has its time for others. Must be called before the routes are registered.
 */
export function registerLoadShedding(fastify: FastifyInstance, hasher: PasswordHasher, guesses: LoginThrottle): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!PATHS.has(request.routeOptions.url ?? '')) return done();
    attempt(done, () => {
      const context = requestContextOf(request);
      // Whoever guessed too often may register all the same: that has a limit of its own.
      if (request.routeOptions.url === LOGIN) guesses.assertNotBlocked(context);
      hasher.assertCapacity(context.ip);
    });
  });
  fastify.addHook('preHandler', (request, _reply, done) => {
    const name = request.routeOptions.url === LOGIN ? nameIn(request) : undefined;
    if (name === undefined) return done();
    attempt(done, () => guesses.assertNotBlocked(requestContextOf(request), name));
  });
}

/** The name that a body gives, which nobody has checked yet. */
function nameIn({ body }: FastifyRequest): string | undefined {
  const { email, username } = Object(body) as { email?: unknown; username?: unknown };
  if (typeof email === 'string') return nameKey({ email });
  return typeof username === 'string' ? nameKey({ username }) : undefined;
}

function attempt(done: (refusal?: Error) => void, check: () => void): void {
  let refusal: Error | undefined;
  try {
    check();
  } catch (error) {
    refusal = error as Error;
  }
  done(refusal);
}
