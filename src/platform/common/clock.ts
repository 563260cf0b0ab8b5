import { Injectable } from '@nestjs/common';

/**
 * The time, injected so that tests can move it: that of the database, as far as it is known, so that all instances have one.
 */
@Injectable()
export class Clock {
  private offset = 0;

  /** Milliseconds since the epoch, by the clock of the database once that was measured. */
  now(): number {
    return this.wall() + this.offset;
  }

  /** Milliseconds since the epoch, by the clock of this machine. */
  wall(): number {
    return Date.now();
  }

  /** Milliseconds that only ever grow, for measuring how long something lasts. */
  elapsed(): number {
    return performance.now();
  }

  /** By how many milliseconds the database is ahead of this machine. */
  get databaseOffset(): number {
    return this.offset;
  }

  /** Takes note of a measurement that may be wrong by `error` milliseconds; one that contradicts nothing changes nothing. */
  adjust({ ms, error }: { ms: number; error: number }): void {
    if (Math.abs(ms - this.offset) > error) this.offset = Math.round(ms);
  }
}
