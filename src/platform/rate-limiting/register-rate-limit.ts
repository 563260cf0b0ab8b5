import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../common/clock.js';
import { rateLimited } from './rate-limited.js';
import { RequestRate } from './request-rate.js';
import { routeLimitOf } from './route-limits.js';

/**
 * Answers 429 to an address that sends more than 600 requests in a minute, or from whose /48 ten times as many come, and tells
 * all others what is left of them. Routes with limits of their own have a count of their own: most of what they refuse counts
 * for nothing there, and many who sign in behind one address take nothing from those who are signed in. A request to which
 * `appliesTo` says no passes uncounted.
 */
export function registerRateLimit(
  fastify: FastifyInstance,
  appliesTo: (request: FastifyRequest) => boolean = () => true,
  clock = new Clock(),
): void {
  const [rate, rateOfLimited] = [new RequestRate(clock), new RequestRate(clock)];
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const counted = routeLimitOf(request)?.requests;
    if (counted === 'uncounted' || !appliesTo(request)) return done();
    const { used, limit, endsAt } = (counted === 'apart' ? rateOfLimited : rate).count(request.clientAddress);
    const left = endsAt - clock.elapsed();
    if (used > limit) return done(rateLimited(limit, left));
    const { raw } = reply;
    raw.setHeader('ratelimit-limit', limit);
    raw.setHeader('ratelimit-remaining', limit - used);
    raw.setHeader('ratelimit-reset', Math.ceil(left / 1000));
    done();
  });
}
