import proxyAddr from '@fastify/proxy-addr';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { forwardedAddress, halvedNetworks, plainAddress } from '../common/address.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose request it is, in the one spelling of addresses. The only thing to read: `ip` is the socket's, which may be a proxy's. */
    readonly clientAddress: string;
  }
}

/** Which address is taken for the client's, and who says so. */
export interface ClientAddress {
  address: string;
  /** Null: the socket itself. Otherwise the trusted hop that wrote the address into X-Forwarded-For. */
  suppliedBy: string | null;
}

/** Proxies in a row at most: a longer list was written to keep us busy. */
const MOST_HOPS = 32;

/** Stands for a socket that is gone already and had no address. */
const NO_ADDRESS = '0.0.0.0';

/** Tells whether an address is one of TRUSTED_PROXIES. Takes what plainAddress returns. */
export function proxyTest(trusted: readonly string[]): (address: string) => boolean {
  if (trusted.length === 0) return () => false;
  const trusts = proxyAddr.compile(halvedNetworks(trusted));
  return (address) => trusts(address, 0);
}

/**
 * Reads X-Forwarded-For from the right, hop by hop, for as long as a trusted proxy wrote it, and returns the last address
 * read. A hop that is no address (unknown, hidden, empty) ends that: what stands left of it may be the client's own words.
 */
export function clientAddressOf(
  peer: string | undefined,
  forwardedFor: string | undefined,
  isProxy: (address: string) => boolean,
): ClientAddress {
  let client: ClientAddress = { address: plainAddress(peer ?? '') ?? NO_ADDRESS, suppliedBy: null };
  let rest = forwardedFor;
  for (let hops = 0; rest !== undefined && hops < MOST_HOPS && isProxy(client.address); hops++) {
    const comma = rest.lastIndexOf(',');
    const address = forwardedAddress(rest.slice(comma + 1).trim());
    if (address === null) break;
    client = { address, suppliedBy: client.address };
    rest = comma < 0 ? undefined : rest.slice(0, comma);
  }
  return client;
}

/** Gives every request its `clientAddress`, read once. */
export function readClientAddresses(fastify: FastifyInstance, trusted: readonly string[]): void {
  const isProxy = proxyTest(trusted);
  const read = new WeakMap<FastifyRequest, string>();
  fastify.decorateRequest('clientAddress', {
    getter(this: FastifyRequest): string {
      const known = read.get(this);
      if (known !== undefined) return known;
      const hops = this.headers['x-forwarded-for'];
      // Node joins the lines of this header to one list; its type knows of several.
      const { address } = clientAddressOf(
        this.socket.remoteAddress,
        hops === undefined ? undefined : String(hops),
        isProxy,
      );
      read.set(this, address);
      return address;
    },
  });
}
