import type { Clock } from '../common/clock.js';
import { type GuessRule, LONGEST_CHECK } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';

interface Count {
  wrong: number;
  pending: number;
  pendingAt: number;
  blockedUntil: number;
  expiresAt: number;
}

/** Counts kept at most; past that the oldest is forgotten. */
const CAPACITY = 100_000;

/** Counts guesses in this process: what takes over while the shared store cannot be reached. */
export class MemoryGuessStore implements GuessStore {
  private readonly counts = new Map<string, Count>();

  constructor(private readonly clock: Clock) {}

  async reserve(rules: readonly GuessRule[]): Promise<Verdict> {
    const now = this.clock.elapsed();
    const counts = rules.map((rule) => this.read(rule, now));
    const rooms = rules.map((rule, index) => roomOf(rule, counts[index] as Count, now));
    const full = rules.map((rule, index) => !rule.open && (counts[index]?.pending ?? 0) >= (rooms[index] ?? 0));
    const refusing = full.findIndex((isFull, index) => isFull && rooms[index] === 0);
    if (refusing >= 0)
      return { kind: 'refused', rule: refusing, waitMs: (counts[refusing] as Count).blockedUntil - now };
    if (full.includes(true)) return { kind: 'undecided' };
    for (const count of counts) {
      count.pending++;
      count.pendingAt = now;
    }
    return { kind: 'admitted' };
  }

  async settle(rules: readonly GuessRule[], outcome: Outcome): Promise<void> {
    const now = this.clock.elapsed();
    for (const rule of rules) {
      const count = this.counts.get(rule.key);
      if (!count) continue;
      count.pending = Math.max(count.pending - 1, 0);
      if (outcome === 'wrong') countWrong(rule, count, now);
      if (outcome === 'right' && rule.consecutive) Object.assign(count, { wrong: 0, blockedUntil: 0 });
      if (count.wrong === 0 && count.pending === 0) this.counts.delete(rule.key);
    }
  }

  async forget(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.counts.delete(key);
  }

  /** The count as it stands now: forgotten if its time is over, with the places of the dead counted as wrong. */
  private read({ key, forget }: GuessRule, now: number): Count {
    let count = this.counts.get(key);
    if (!count) {
      const [oldest] = this.counts.size >= CAPACITY ? this.counts.keys() : [];
      if (oldest !== undefined) this.counts.delete(oldest);
      count = { wrong: 0, pending: 0, pendingAt: now, blockedUntil: 0, expiresAt: now + forget };
      this.counts.set(key, count);
    }
    if (count.pending > 0 && count.pendingAt < now - LONGEST_CHECK) {
      count.wrong += count.pending;
      count.pending = 0;
    }
    if (count.expiresAt <= now) Object.assign(count, { wrong: 0, blockedUntil: 0, expiresAt: now + forget });
    return count;
  }
}

/** How many guesses may be checked at once. */
function roomOf(rule: GuessRule, { wrong, blockedUntil }: Count, now: number): number {
  if (wrong < rule.free) return rule.free - wrong;
  return blockedUntil <= now ? 1 : 0;
}

function countWrong({ free, first, most, forget, consecutive }: GuessRule, count: Count, now: number): void {
  count.wrong++;
  if (consecutive) count.expiresAt = now + forget;
  if (count.wrong < free) return;
  const pause = Math.min(first * 2 ** Math.min(count.wrong - free, 40), most);
  count.blockedUntil = Math.min(now + pause, count.expiresAt);
}
