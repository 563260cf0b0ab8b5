import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../common/clock.js';
import { rateLimited } from './rate-limited.js';
import { REQUEST_LIMIT, RequestRate } from './request-rate.js';

/** Routes with limits of their own on what they do: guesses, registrations and mails. */
const LIMITED_BY_THEMSELVES = new Set([
  '/v1/auth/login',
  '/v1/auth/register',
  '/v1/auth/mfa/verify',
  '/v1/auth/email/resend',
  '/v1/auth/password/forgot',
]);
const LIMIT = String(REQUEST_LIMIT);

function isExempt(path: string): boolean {
  return path.startsWith('/health/') || path === '/metrics';
}

/**
 * Answers 429 to an address that sends more than 600 requests in a minute, and tells every one what is left of them. Routes
 * with limits of their own have a count of their own: most of what they refuse counts for nothing there, and many who sign
 * in behind one address take nothing from those who are signed in. A request that does not concern it goes on as it is.
 */
export function registerRateLimit(
  fastify: FastifyInstance,
  appliesTo: (request: FastifyRequest) => boolean = () => true,
  clock = new Clock(),
): void {
  const [rate, rateOfLimited] = [new RequestRate(clock), new RequestRate(clock)];
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const path = request.routeOptions.url ?? '';
    if (isExempt(path) || !appliesTo(request)) return done();
    const { used, endsAt } = (LIMITED_BY_THEMSELVES.has(path) ? rateOfLimited : rate).count(request.ip);
    const left = endsAt - clock.elapsed();
    if (used > REQUEST_LIMIT) return done(rateLimited(REQUEST_LIMIT, left));
    const { raw } = reply;
    raw.setHeader('ratelimit-limit', LIMIT);
    raw.setHeader('ratelimit-remaining', REQUEST_LIMIT - used);
    raw.setHeader('ratelimit-reset', Math.ceil(left / 1000));
    done();
  });
}
