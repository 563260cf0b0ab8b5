import { Logger } from '@nestjs/common';
import type { Clock } from '../../common/clock.js';

/** Milliseconds by which the clocks may differ before it is said. */
export const NOTABLE = 5_000;
/** Milliseconds by which they may differ before the instance takes no requests. */
export const UNFIT = 60_000;

/** The clock of this machine is too far off. */
export class ClockError extends Error {
  override readonly name = 'ClockError';
  constructor(offset: number) {
    super(`The clock of this machine is ${describeOffset(offset)} the database’s: let NTP set both, then start again.`);
  }
}

/** Compares the clock of this machine with the database's, whose time counts for all instances. */
export class ClockWatch {
  private readonly logger = new Logger(ClockWatch.name);
  private wasNotable = false;

  constructor(private readonly clock: Clock) {}

  /** Whether the clocks are close enough to serve. */
  get isFit(): boolean {
    return Math.abs(this.clock.databaseOffset) <= UNFIT;
  }

  /** Takes note of a measurement, and says when the clocks part and when they meet again. */
  note(measured: { ms: number; error: number }): void {
    this.clock.adjust(measured);
    const offset = this.clock.databaseOffset;
    const isNotable = Math.abs(offset) > NOTABLE;
    if (isNotable && !this.wasNotable)
      this.logger.warn(`The clock of this machine is ${describeOffset(offset)} the database’s`);
    if (!isNotable && this.wasNotable) this.logger.log('This machine and the database have the same time again');
    this.wasNotable = isNotable;
  }
}

/** `3.0 s behind` or `3.0 s ahead of`, where the offset is how far the database is ahead, in milliseconds. */
export function describeOffset(offset: number): string {
  return `${(Math.abs(offset) / 1000).toFixed(1)} s ${offset > 0 ? 'behind' : 'ahead of'}`;
}
