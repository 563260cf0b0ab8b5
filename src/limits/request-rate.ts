import QuickLRU from 'quick-lru';
import { networkOf } from '../common/address.js';
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
 * Made for every request: two look-ups in memory, and nothing else.
 */
export class RequestRate {
  private readonly windows = new Map<string, Window>();
  private readonly networks = new QuickLRU<string, string>({ maxSize: 10_000 });

  constructor(private readonly clock: Clock) {}

  /** Counts a request and returns the address's window, in which it is the `used`th. `endsAt` is in the clock's elapsed ms. */
  count(address: string): Readonly<Window> {
    const network = address.includes(':') ? this.ipv6Network(address) : address;
    const now = this.clock.elapsed();
    let window = this.windows.get(network);
    if (window === undefined || window.endsAt <= now) {
      this.windows.delete(network);
      if (this.windows.size >= CAPACITY) this.makeRoom();
      window = { used: 0, endsAt: now + WINDOW };
      this.windows.set(network, window);
    }
    window.used++;
    return window;
  }

  /** Windows stand in the order in which they started, so the first ends first. */
  private makeRoom(): void {
    const now = this.clock.elapsed();
    for (const [network, { endsAt }] of this.windows) {
      if (endsAt > now && this.windows.size < CAPACITY) break;
      this.windows.delete(network);
    }
  }

  private ipv6Network(address: string): string {
    let network = this.networks.get(address);
    if (network === undefined) {
      network = networkOf(address);
      this.networks.set(address, network);
    }
    return network;
  }
}
