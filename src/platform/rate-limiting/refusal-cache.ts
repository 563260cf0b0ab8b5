import type { Clock } from '../common/clock.js';
import { TwoGenerationCache } from '../common/two-generation-cache.js';
import type { Problem } from '../http/problem.js';
import { rateLimited } from './rate-limited.js';

/** Milliseconds after which one request is let go on, to find out whether a refusal still stands. */
const ASK_AGAIN = 1_000;
/** Milliseconds for which a refusal is remembered at most, should those that go on never find out. */
const LONGEST = 30_000;
/** Refusals that are remembered at once at most, about 200 bytes each; at least half as many. */
const CAPACITY = 20_000;

interface Refusal {
  limit: number;
  since: number;
  until: number;
  forgetAt: number;
  askAgainAt: number;
}

/** What was refused a moment ago: a flood of refused guesses reaches neither the database nor the store of the counts. */
export class RefusalCache {
  private readonly refusals = new TwoGenerationCache<Refusal>(CAPACITY);

  constructor(private readonly clock: Clock) {}

  /** Throws a Problem `rate_limited` where the key was refused, but once in a second, to find out whether that still stands. */
  assertNotBlocked(key: string): void {
    const now = this.clock.elapsed();
    const refusal = this.standing(key, now);
    if (refusal === undefined) return;
    if (refusal.askAgainAt > now) throw rateLimited(refusal.limit, refusal.until - now);
    refusal.askAgainAt = now + ASK_AGAIN;
  }

  /** Throws a Problem `rate_limited` where one of the keys was refused since then: what is asked would be asked twice. */
  assertNotBlockedSince(time: number, keys: readonly string[]): void {
    const now = this.clock.elapsed();
    for (const key of keys) {
      const refusal = this.standing(key, now);
      if (refusal !== undefined && refusal.since >= time) throw rateLimited(refusal.limit, refusal.until - now);
    }
  }

  /** Remembers a refusal that stands for `wait` ms, and returns it as a Problem. */
  remember(keys: readonly string[], limit: number, wait: number): Problem {
    const now = this.clock.elapsed();
    for (const key of keys) {
      const forgetAt = now + Math.min(wait, LONGEST);
      this.refusals.set(key, { limit, since: now, until: now + wait, forgetAt, askAgainAt: now + ASK_AGAIN });
    }
    return rateLimited(limit, wait);
  }

  /** Forgets the refusals under these keys. */
  forget(keys: readonly string[]): void {
    for (const key of keys) this.refusals.delete(key);
  }

  forgetAll(): void {
    this.refusals.clear();
  }

  private standing(key: string, now: number): Refusal | undefined {
    const refusal = this.refusals.get(key);
    return refusal !== undefined && refusal.forgetAt > now ? refusal : undefined;
  }
}
