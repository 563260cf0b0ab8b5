import type { IncomingMessage } from 'node:http';
import { plainAddress } from './address.js';

/**
 * What proxies, balancers and tunnels write into a request that they pass on: of headers that begin with X-, each but those
 * that programs themselves send.
 */
const FORWARDED =
  /^(?:x[-_](?!(?:request-id|requested-with|token-delivery|csrf-token|xsrf-token)$).*|(?:client|true-client|do-connecting|incap-client)-ip|(?:forwarded|fastly|fly|cf|cloudfront|akamai|tailscale|ngrok|ssl-client|ssl).*|via|cdn-loop|front-end-https|proxy-connection)$/;

/**
 * Whether a host of a URL or of `HOST` is this very machine. A name of `.test` is one of /etc/hosts: nobody on the internet can
 * have it (RFC 6761, 6.2).
 */
export function isThisMachine(host: string): boolean {
  return /^(?:.+\.)?test$/i.test(host) || isLoopbackHost(host);
}

/**
 * Whether a browser looks for a host of a URL on its own machine and nowhere else (RFC 6761, 6.3): there plain http is as good as
 * TLS to it. A name of `.test` is not among them, which leads wherever /etc/hosts says.
 */
export function isLoopbackHost(host: string): boolean {
  return /^(?:.+\.)?localhost$/i.test(host) || isLoopback(host.replace(/^\[(.*)\]$/, '$1'));
}

/** Whether an address never leaves this machine. */
export function isLoopback(address: string): boolean {
  return /^127\.|^::1$/.test(plainAddress(address) ?? '');
}

/**
 * Whether a request was made on this machine, for this machine, and passed on by nobody: a proxy here gives itself away by a
 * header, by HTTP/1.0, or by the name that people know it by, and so does a page whose name was made to lead here.
 */
export function isFromThisMachine({ socket, headers, httpVersion }: IncomingMessage): boolean {
  if (!isLoopback(socket.remoteAddress ?? '') || httpVersion !== '1.1') return false;
  if (Object.keys(headers).some((name) => FORWARDED.test(name))) return false;
  const url = `http://${headers.host ?? ''}`;
  return URL.canParse(url) && isThisMachine(new URL(url).hostname);
}
