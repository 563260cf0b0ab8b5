import { isIP } from 'node:net';

/** Characters of an address at most, with zone, brackets, quotes and port: what is longer is none, and is not searched. */
const LONGEST = 128;

/**
 * A client address in the one spelling that is stored and compared: an IPv4 address that came through an IPv6 socket is
 * the IPv4 address it is, and a link-local one has no zone. Returns null for a text that is not an address.
 */
export function plainAddress(text: string): string | null {
  if (text.length > LONGEST) return null;
  const plain = text.replace(/^([\da-f:.]*:[\da-f:.]*)%.+$/i, '$1').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  const family = isIP(plain);
  if (family !== 6) return family === 4 ? plain : null;
  // A URL writes an IPv6 address as RFC 5952 asks, whatever the spelling that came in.
  const canonical = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  return mappedIpv4(canonical) ?? canonical;
}

/**
 * As plainAddress, of a hop of X-Forwarded-For: some proxies write the port behind it, or quotes around it (RFC 7239, 6). A
 * port behind an IPv6 address without brackets cannot be told from its last group, but for one that ends as IPv4 does.
 */
export function forwardedAddress(hop: string): string | null {
  if (hop.length > LONGEST) return null;
  const [, quoted] = /^"([^"]*)"$/.exec(hop) ?? [];
  const bare = (quoted ?? hop)
    .replace(/^([\da-f:]*\d+\.\d+\.\d+\.\d+):\d{1,5}$/i, '$1')
    .replace(/^\[([^\]]*)\](?::\d{1,5})?$/, '$1');
  return plainAddress(bare);
}

/** ::ffff:7f00:1, as RFC 5952 leaves a mapped address once its dots are gone. */
function mappedIpv4(canonical: string): string | null {
  const match = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical);
  if (!match) return null;
  const [high = 0, low = 0] = match.slice(1).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * The network that counts as one client: an IPv4 address itself, an IPv6 address by its /64, because a client with one
 * address there has them all. Takes what plainAddress returns.
 */
export function networkOf(address: string): string {
  return address.includes(':') ? ipv6Network(address, 4) : address;
}

/**
 * The network that one customer can have whole: an IPv6 address by its /48, which holds 65 536 clients by the rule above. An
 * IPv4 address has none: its neighbours are other people's. Takes what plainAddress returns.
 */
export function siteOf(address: string): string | null {
  return address.includes(':') ? ipv6Network(address, 3) : null;
}

/**
 * Whose turn an address takes where turns are shared out, from the widest network to the client: IPv6 by /32, of which a small
 * provider has one and hands out many /48, then /48 and /64; IPv4 by /16 and /24. Takes what plainAddress returns.
 */
export function networksOf(address: string): [wide: string, site: string, client: string] {
  if (address.includes(':')) return [ipv6Network(address, 2), ipv6Network(address, 3), ipv6Network(address, 4)];
  const site = address.slice(0, address.lastIndexOf('.'));
  return [site.slice(0, site.lastIndexOf('.')), site, address];
}

/** The first groups of an IPv6 address, as a network. */
function ipv6Network(address: string, count: number): string {
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const end = tail === '' ? [] : tail.split(':');
    while (groups.length + end.length < 8) groups.push('0');
    groups.push(...end);
  }
  return `${groups.slice(0, count).join(':')}::/${count * 16}`;
}

/** Trusted networks in the form that Fastify takes: it refuses one that holds every address, which is two halves. */
export function halvedNetworks(networks: readonly string[]): string[] {
  const halves: Record<string, string[]> = { '0.0.0.0': ['0.0.0.0/1', '128.0.0.0/1'], '::': ['::/1', '8000::/1'] };
  return networks.flatMap((network) => {
    const [address = '', prefix] = network.split('/');
    if (prefix === undefined || Number(prefix) !== 0) return [network];
    return halves[address.includes(':') ? '::' : '0.0.0.0'] as string[];
  });
}
