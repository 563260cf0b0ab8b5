import { Problem } from '../http/problem.js';

/** The refusal 429 with the standard headers: when to try again, what the limit is, and that nothing of it is left. */
export function rateLimited(limit: number, waitMs: number): Problem {
  const seconds = String(Math.max(1, Math.ceil(waitMs / 1000)));
  return new Problem('rate_limited', {
    headers: {
      'retry-after': seconds,
      'ratelimit-limit': String(limit),
      'ratelimit-remaining': '0',
      'ratelimit-reset': seconds,
    },
  });
}
