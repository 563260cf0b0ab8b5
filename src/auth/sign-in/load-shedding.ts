import type { FastifyInstance } from 'fastify';
import { type PasswordHasher, QUEUE_FULL } from '../../credentials/passwords/password-hasher.js';
import { requestContextOf } from '../../platform/http/request-context.js';
import type { LoginThrottle } from '../../platform/rate-limiting/login-throttle.service.js';
import { routeLimitOf } from '../../platform/rate-limiting/route-limits.js';
import type { TrustedNetworks } from '../../platform/rate-limiting/trusted-networks.js';

/**
 * Refuses what would be refused anyway before its body is read: a sign-in for its address, and a sign-in or registration for
 * a full hash queue. While it is flooded the server has its time for others. A sign-in from where some account has been signed
 * in to before is read all the same: a place may be kept for it. Which routes these are, their `@RateLimit` says.
 * Must be called before the routes are registered.
 */
export function registerLoadShedding(
  fastify: FastifyInstance,
  hasher: PasswordHasher,
  guesses: LoginThrottle,
  networks: TrustedNetworks,
): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const limit = routeLimitOf(request);
    if (!limit?.guesses && !limit?.hashes) return done();
    const context = requestContextOf(request);
    const { ip } = context;
    try {
      if (limit.guesses) guesses.assertNotBlocked(context);
    } catch (refusal) {
      return done(refusal as Error);
    }
    if (!limit.hashes || hasher.hasRoomFor({ ip, known: false })) return done();
    if (!limit.guesses || !hasher.hasRoomFor({ ip, known: true })) return done(QUEUE_FULL);
    networks.isKnown(ip).then((known) => done(known ? undefined : QUEUE_FULL), done);
  });
}
