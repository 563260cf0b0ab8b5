import QuickLRU from 'quick-lru';
import type { Clock } from '../common/clock.js';
import type { Problem } from '../http/problem.js';
import { rateLimited } from './rate-limited.js';

/** Milliseconds after which one request is let go on, to find out whether a refusal still stands. */
const ASK_AGAIN = 1_000;
/** Milliseconds for which a refusal is remembered at most, should those that go on never find out. */
const LONGEST = 30_000;
/** Refusals that are remembered at once at most, about 200 bytes each. */
const CAPACITY = 10_000;

interface Refusal {
  limit: number;
  since: number;
  until: number;
  askAgainAt: number;
}

/** What was refused a moment ago: a flood of refused guesses reaches neither the database nor the store of the counts. */
export class RefusalCache {
  private readonly refusals = new QuickLRU<string, Refusal>({ maxSize: CAPACITY });

  constructor(private readonly clock: Clock) {}

  /** Throws a Problem `rate_limited` where the key was refused, but once in a second, so that somebody asks again. */
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
      const refusal = { limit, since: now, until: now + wait, askAgainAt: now + ASK_AGAIN };
      this.refusals.set(key, refusal, { maxAge: Math.min(wait, LONGEST) });
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
    return refusal !== undefined && refusal.until > now ? refusal : undefined;
  }
}
