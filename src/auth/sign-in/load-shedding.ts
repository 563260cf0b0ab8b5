import type { FastifyInstance } from 'fastify';
import type { PasswordHasher } from '../../credentials/passwords/password-hasher.js';
import { requestContextOf } from '../../platform/http/request-context.js';
import type { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { routeLimitOf } from '../../platform/rate-limiting/route-limits.js';

/**
 * Refuses what would be refused anyway before its body is read: a sign-in for its address, and a sign-in or registration for
 * a full hash queue. While it is flooded the server has its time for others. Which routes these are, their `@RateLimit` says.
 * Must be called before the routes are registered.
 */
export function registerLoadShedding(fastify: FastifyInstance, hasher: PasswordHasher, guesses: LoginThrottle): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const limit = routeLimitOf(request);
    if (!limit?.guesses && !limit?.hashes) return done();
    try {
      const context = requestContextOf(request);
      if (limit.guesses) guesses.assertNotBlocked(context);
      if (limit.hashes) hasher.assertCapacity(context.ip);
    } catch (refusal) {
      return done(refusal as Error);
    }
    done();
  });
}
