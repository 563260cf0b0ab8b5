import { isLoopback } from '../common/this-machine.js';
import { faultOfUrl } from './url-fault.js';

/** The mail server that takes our mails. */
export interface SmtpServer {
  host: string;
  port: number;
  auth: { user: string; pass: string } | undefined;
  /** `implicit`: TLS from the first byte; `starttls`: refused without it; `none`: in the clear. */
  tls: 'implicit' | 'starttls' | 'none';
}

/** Who our mails come from. */
export interface Sender {
  name: string;
  address: string;
}

/**
 * Reads `SMTP_URL`: `smtps://user:password@host:465`, or `smtp://…:587` with STARTTLS, which is demanded: an opportunistic
 * upgrade is one that an attacker between us leaves out. In the clear to this very machine, or with `?ignoreTLS=true`.
 * Throws an Error whose message names the fault, never the password.
 */
export function parseSmtpUrl(text: string): SmtpServer {
  const fault = faultOfUrl(text, ['smtps:', 'smtp:'], 'smtps://user:password@mail.example.com');
  if (fault !== null || text.includes(',')) throw new Error(fault ?? 'names several hosts, and one is asked');
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  if (url.hostname === '') throw new Error('names no host');
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'ignoreTLS');
  if (unknown !== undefined) throw new Error(`has the parameter ${unknown}; the only one known is ignoreTLS=true`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const inTheClear = url.searchParams.get('ignoreTLS') === 'true' || isHere(host);
  return {
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    auth: url.username ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } : undefined,
    tls: secure ? 'implicit' : inTheClear ? 'none' : 'starttls',
  };
}

/** Other names below localhost are looked up by our resolver, which may ask a name server where no browser would. */
function isHere(host: string): boolean {
  return host === 'localhost' || isLoopback(host);
}

/** Reads `MAIL_FROM`: `no-reply@example.com` or `Example <no-reply@example.com>`. Null for anything else. */
export function parseSender(text: string): { name: string | undefined; address: string } | null {
  const match = /^(?:([^<>"\p{Cc}]*)<([^\s<>"@,;]+@[^\s<>"@,;]+)>|([^\s<>"@,;]+@[^\s<>"@,;]+))$/u.exec(text.trim());
  const address = match?.[2] ?? match?.[3];
  return address === undefined ? null : { name: match?.[1]?.trim() || undefined, address };
}
