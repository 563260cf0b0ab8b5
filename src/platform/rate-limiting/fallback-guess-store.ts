import { Logger } from '@nestjs/common';
import type { Clock } from '../common/clock.js';
import type { GuessRule } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';

/** Milliseconds in which a store that has failed is not asked again. */
const REST = 1_000;

/**
 * A shared store, and the one that takes over while it cannot be reached: a store that is down neither opens the door
 * nor closes it. A guess is settled where its place was taken.
 */
export class FallbackGuessStore implements GuessStore {
  private readonly logger = new Logger('Limits');
  private readonly places = new WeakSet<readonly GuessRule[]>();
  private askAgainAt = 0;

  constructor(
    private readonly shared: GuessStore,
    private readonly own: GuessStore,
    private readonly clock: Clock,
  ) {}

  async reserve(rules: readonly GuessRule[]): Promise<Verdict> {
    if (this.clock.elapsed() >= this.askAgainAt) {
      try {
        const verdict = await this.shared.reserve(rules);
        if (verdict.kind === 'admitted') this.places.add(rules);
        return verdict;
      } catch (error) {
        this.rest(error);
      }
    }
    return this.own.reserve(rules);
  }

  async settle(rules: readonly GuessRule[], since: number, outcome: Outcome): Promise<void> {
    if (!this.places.delete(rules)) return this.own.settle(rules, since, outcome);
    // A place that cannot be given back counts as wrong after a minute, which is all that is lost.
    await this.shared.settle(rules, since, outcome).catch((error) => this.rest(error));
  }

  async forget(keys: readonly string[]): Promise<void> {
    await this.own.forget(keys);
    await this.shared.forget(keys).catch((error) => this.rest(error));
  }

  private rest(error: unknown): void {
    this.askAgainAt = this.clock.elapsed() + REST;
    this.logger.warn(`The shared limits cannot be reached; this instance counts for itself: ${error}`);
  }
}
