import type { FastifyInstance } from 'fastify';
import { clientOf } from '../common/client.js';
import type { GuessLimits } from '../limits/guess-limits.service.js';
import type { PasswordHasher } from '../users/passwords/password-hasher.js';

/** Where anybody may make the server hash a password. */
const PATHS = new Set(['/v1/auth/login', '/v1/auth/register']);

/**
 * Refuses a sign-in that would be refused anyway, for its address or for a full hash queue, before its body is read: while
 * it is flooded the server has its time for others. Must be called before the routes are registered.
 */
export function shedSignIns(fastify: FastifyInstance, hasher: PasswordHasher, guesses: GuessLimits): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!PATHS.has(request.routeOptions.url ?? '')) return done();
    try {
      const client = clientOf(request);
      guesses.recall(client);
      hasher.demandRoom(client.ip);
      done();
    } catch (refusal) {
      done(refusal as Error);
    }
  });
}
