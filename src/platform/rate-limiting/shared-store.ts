import { Logger } from '@nestjs/common';
import type { Clock } from '../common/clock.js';
import { underShorterDeadline } from '../database/deadline.js';

/** Milliseconds in which a store that has failed is not asked again. */
const REST = 1_000;
/** Milliseconds of the 3 s of a request that one question may cost: what is left is for the request. */
const TIMEOUT = 1_500;

/** The store has failed a moment ago, or is asked just now whether it is back. */
class StoreRestsError extends Error {
  override readonly name = 'StoreRestsError';
  constructor() {
    super('The shared limits have failed a moment ago, and are not asked');
  }
}

/**
 * Asks a store that several instances count in, and spares it, and those who wait, where it does not answer: it may be a table that
 * is locked while all others can be read. After a failure it rests for a second, and then one question finds out whether it is
 * back, while the others go on without it.
 */
export class SharedStore {
  private readonly logger = new Logger('Limits');
  private askAgainAt = Number.NEGATIVE_INFINITY;
  private isFailing = false;

  constructor(private readonly clock: Clock) {}

  /** Asks for 1.5 s at most. Throws without asking while the store rests, and what `question` throws. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    const now = this.clock.elapsed();
    if (now < this.askAgainAt) throw new StoreRestsError();
    if (this.isFailing) this.askAgainAt = now + TIMEOUT + REST;
    const answer = await this.askAlways(question);
    this.askAgainAt = Number.NEGATIVE_INFINITY;
    this.isFailing = false;
    return answer;
  }

  /** As `ask`, also while the store rests: for what would be lost if it were not asked. */
  async askAlways<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await underShorterDeadline(TIMEOUT, question);
    } catch (error) {
      if (!this.isFailing)
        this.logger.warn(`The shared limits cannot be reached; this instance counts for itself: ${error}`);
      this.isFailing = true;
      this.askAgainAt = this.clock.elapsed() + REST;
      throw error;
    }
  }
}
