import { Injectable } from '@nestjs/common';

/** The time of this process, injected so that tests can move it. */
@Injectable()
export class Clock {
  /** Milliseconds since the epoch. */
  now(): number {
    return Date.now();
  }

  /** Milliseconds that only ever grow, for measuring how long something lasts. */
  elapsed(): number {
    return performance.now();
  }
}
