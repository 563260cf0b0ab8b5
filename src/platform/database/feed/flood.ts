import type { Clock } from '../../common/clock.js';

/** Changes in a second above which nobody needs to be told that there are some. */
const MANY = 100;
const SECOND = 1_000;

/** Tells a flood of changes from the few of every day. */
export class Flood {
  private since: number;
  private count = 0;
  private lastSecond = 0;

  constructor(private readonly clock: Clock) {
    this.since = clock.elapsed();
  }

  /** Takes note of so many changes. */
  add(changes: number): void {
    const passed = this.clock.elapsed() - this.since;
    if (passed >= SECOND) {
      this.lastSecond = (this.count * SECOND) / passed;
      this.count = 0;
      this.since += passed;
    }
    this.count += changes;
  }

  /** Whether it is one now. It ends a second after it has. */
  get isOn(): boolean {
    return Math.max(this.lastSecond, this.count) > MANY;
  }
}
