import { networkOf, plainAddress } from '../common/address.js';
import type { Clock } from '../common/clock.js';

/** Requests of one client address in one window, counted by this instance. */
export const REQUEST_LIMIT = 600;
export const WINDOW = 60_000;
/** Addresses that are counted at once at most, about 100 bytes each. */
const CAPACITY = 50_000;

interface Window {
  used: number;
  endsAt: number;
}

/**
 * Counts requests by client address in windows that start with an address's first request.
 * Made for every request: one look-up in memory, and nothing else.
 */
export class RequestRate {
  private readonly windows = new Map<string, Window>();
  /** The window of an address as it was written last, so that it is not read again for each request. */
  private readonly bySpelling = new Map<string, Window>();

  constructor(private readonly clock: Clock) {}

  /** Counts a request and returns the address's window, in which it is the `used`th. `endsAt` is in the clock's elapsed ms. */
  count(address: string): Readonly<Window> {
    const now = this.clock.elapsed();
    let window = this.bySpelling.get(address);
    if (window === undefined || window.endsAt <= now) {
      window = this.windowOf(networkOf(plainAddress(address) ?? ''), now);
      if (this.bySpelling.size >= CAPACITY) this.bySpelling.clear();
      this.bySpelling.set(address, window);
    }
    window.used++;
    return window;
  }

  private windowOf(network: string, now: number): Window {
    const known = this.windows.get(network);
    if (known !== undefined && known.endsAt > now) return known;
    this.windows.delete(network);
    if (this.windows.size >= CAPACITY) this.makeRoom(now);
    const window = { used: 0, endsAt: now + WINDOW };
    this.windows.set(network, window);
    return window;
  }

  /** Windows stand in the order in which they started, so the first ends first. */
  private makeRoom(now: number): void {
    for (const [network, { endsAt }] of this.windows) {
      if (endsAt > now && this.windows.size < CAPACITY) break;
      this.windows.delete(network);
    }
  }
}
