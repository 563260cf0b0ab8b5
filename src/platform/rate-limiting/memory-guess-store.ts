import type { Clock } from '../common/clock.js';
import { type GuessRule, LONGEST_CHECK } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';

interface Count {
  wrong: number;
  /** When each guess that is being checked took its place. */
  pending: number[];
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
    const full = rules.map(
      (rule, index) => !rule.open && (counts[index] as Count).pending.length >= (rooms[index] ?? 0),
    );
    if (full.includes(true)) {
      for (const rule of rules) this.removeIfEmpty(rule);
      const refusing = full.findIndex((isFull, index) => isFull && rooms[index] === 0);
      if (refusing < 0) return { kind: 'contended' };
      return { kind: 'refused', rule: refusing, waitMs: (counts[refusing] as Count).blockedUntil - now };
    }
    for (const { pending } of counts) pending.push(now);
    return { kind: 'admitted', since: now };
  }

  async settle(rules: readonly GuessRule[], since: number, outcome: Outcome): Promise<void> {
    const now = this.clock.elapsed();
    for (const rule of rules) {
      const count = this.counts.get(rule.key);
      if (!count) continue;
      const place = count.pending.indexOf(since);
      if (place >= 0) count.pending.splice(place, 1);
      if (outcome === 'wrong' && place >= 0) countWrong(rule, count, now);
      if (outcome === 'right' && rule.consecutive) Object.assign(count, { wrong: 0, blockedUntil: 0 });
      this.removeIfEmpty(rule);
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
      count = { wrong: 0, pending: [], blockedUntil: 0, expiresAt: now + forget };
      this.counts.set(key, count);
    }
    const alive = count.pending.filter((since) => since >= now - LONGEST_CHECK);
    count.wrong += count.pending.length - alive.length;
    count.pending = alive;
    if (count.expiresAt <= now) Object.assign(count, { wrong: 0, blockedUntil: 0, expiresAt: now + forget });
    return count;
  }

  private removeIfEmpty({ key }: GuessRule): void {
    const count = this.counts.get(key);
    if (count?.wrong === 0 && count.pending.length === 0) this.counts.delete(key);
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
