import type { FastifyReply } from 'fastify';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { RefreshCookie } from './refresh-cookie.js';
import type { Tokens } from './session.js';
import type { SessionTokens } from './session-tokens.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const CONFIG = {
  publicUrl: 'https://auth.example.com',
  corsOrigins: [],
  refreshTokenTtl: 3_600_000,
} as unknown as Config;

class StoppedClock extends Clock {
  override now() {
    return NOW;
  }
}

/** The Max-Age that a browser gets where the session ends so many milliseconds after this instance's idea of now. */
function maxAge(left: number): number {
  let line = '';
  const reply = { header: (_: string, value: string) => (line = value) } as unknown as FastifyReply;
  const session = { expiresAt: new Date(NOW + left).toISOString() };
  const cookie = new RefreshCookie(CONFIG, new StoppedClock(), {} as SessionTokens);
  cookie.deliver(reply, { refreshToken: 'grt_a', session } as unknown as Tokens);
  return Number(/Max-Age=(-?\d+);/.exec(line)?.[1]);
}

it.each([
  ['the idle time, which the database has begun to count a moment ago', 3_599_980, 3600],
  ['the idle time and no second more where the database is a few milliseconds ahead', 3_600_012, 3600],
  ['what is left before the session is too old', 90_500, 91],
  ['nothing for a session that has ended', -5000, 0],
])('the cookie lives for %s', (_, left, seconds) => {
  expect(maxAge(left)).toBe(seconds);
});
