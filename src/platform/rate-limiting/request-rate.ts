import { networkOf, siteOf } from '../common/address.js';
import type { Clock } from '../common/clock.js';

/** Requests of one client address in one window, counted by this instance, and of an IPv6 /48 with all its clients. */
export const REQUEST_LIMIT = 600;
export const SITE_LIMIT = 6_000;
export const WINDOW = 60_000;
/** Addresses that are counted at once at most, about 100 bytes each. */
const CAPACITY = 50_000;

interface Window {
  used: number;
  limit: number;
  endsAt: number;
}

/** The windows of the clients, or of the networks that one customer can have whole. */
class Windows {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly limit: number) {}

  of(network: string, now: number): Window {
    const known = this.windows.get(network);
    if (known !== undefined && known.endsAt > now) return known;
    this.windows.delete(network);
    if (this.windows.size >= CAPACITY) this.makeRoom(now);
    const window = { used: 0, limit: this.limit, endsAt: now + WINDOW };
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

/**
 * Counts requests by client address, and by /48 above it, in windows that start with the first request.
 * Made for every request: one look-up in memory, for IPv6 two, and nothing else.
 */
export class RequestRate {
  private readonly windows = new Windows(REQUEST_LIMIT);
  private readonly sites = new Windows(SITE_LIMIT);
  /** The windows of an address as it was read last, so that its networks are not made out again for each request. */
  private readonly byAddress = new Map<string, { own: Window; site: Window | null }>();

  constructor(private readonly clock: Clock) {}

  /**
   * Counts a request, and returns the window that decides about it, in which it is the `used`th of `limit`. `endsAt` is in the
   * clock's elapsed ms. What the one refuses does not count for the other: an address alone uses up no network.
   */
  count(address: string): Readonly<Window> {
    const now = this.clock.elapsed();
    const known = this.byAddress.get(address);
    if (known !== undefined && known.own.endsAt > now && (known.site?.endsAt ?? Number.POSITIVE_INFINITY) > now)
      return countIn(known.own, known.site);
    const network = siteOf(address);
    const site = network === null ? null : this.sites.of(network, now);
    // Before the address gets a window: a network that is refused makes no more of them.
    if (site !== null && site.used >= site.limit) return beyond(site);
    const own = this.windows.of(networkOf(address), now);
    if (this.byAddress.size >= CAPACITY) this.byAddress.clear();
    this.byAddress.set(address, { own, site });
    return countIn(own, site);
  }
}

function countIn(own: Window, site: Window | null): Readonly<Window> {
  if (site !== null && site.used >= site.limit) return beyond(site);
  own.used++;
  if (site === null || own.used > own.limit) return own;
  site.used++;
  return own.limit - own.used <= site.limit - site.used ? own : site;
}

function beyond({ used, ...window }: Window): Readonly<Window> {
  return { ...window, used: used + 1 };
}
