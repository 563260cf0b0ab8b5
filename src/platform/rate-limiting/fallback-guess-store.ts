import type { Clock } from '../common/clock.js';
import type { GuessRule } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';
import { SharedStore } from './shared-store.js';

/**
 * A shared store, and the one that takes over while it cannot be reached: a store that is down neither opens the door
 * nor closes it. A guess is settled where its place was taken.
 */
export class FallbackGuessStore implements GuessStore {
  private readonly places = new WeakSet<readonly GuessRule[]>();
  private readonly line: SharedStore;

  constructor(
    private readonly shared: GuessStore,
    private readonly own: GuessStore,
    clock: Clock,
  ) {
    this.line = new SharedStore(clock);
  }

  async reserve(rules: readonly GuessRule[]): Promise<Verdict> {
    const verdict = await this.line.ask(() => this.shared.reserve(rules)).catch(() => null);
    if (verdict === null) return this.own.reserve(rules);
    if (verdict.kind === 'admitted') this.places.add(rules);
    return verdict;
  }

  async settle(rules: readonly GuessRule[], since: number, outcome: Outcome): Promise<void> {
    if (!this.places.delete(rules)) return this.own.settle(rules, since, outcome);
    // A place that cannot be given back counts as wrong after a minute, which is all that is lost.
    await this.line.askAlways(() => this.shared.settle(rules, since, outcome)).catch(() => undefined);
  }

  async forget(keys: readonly string[]): Promise<void> {
    await this.own.forget(keys);
    await this.line.askAlways(() => this.shared.forget(keys)).catch(() => undefined);
  }
}
