import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isThisMachine } from '../common/this-machine.js';
import { faultOfUrl } from './url-fault.js';

const SCHEMES = ['postgres:', 'postgresql:'];
/** What pg verifies the certificate and the name for, whatever the word; it warns of all but the last that this will change. */
const VERIFIED = ['prefer', 'require', 'verify-ca', 'verify-full'];
const UNVERIFIED = ['disable', 'no-verify'];
/** What the driver knows of TLS. It passes over every other parameter, and goes on in the clear. */
const OF_TLS = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'];
const FILES = ['sslrootcert', 'sslcert', 'sslkey'] as const;

/**
 * Reads `DATABASE_URL` and what is like it, and returns it as the driver takes it. `?host=/folder` leads to a socket. Throws an
 * Error whose message names the fault, never the password.
 */
export function parseDatabaseUrl(text: string): string {
  // A socket has no host: the driver knows this form, and a URL must have one.
  const whole = text.replace(/^([a-z]+:\/\/[^/?#]*@)(?=\/)/, '$1localhost');
  const fault = faultOfUrl(whole, SCHEMES, 'postgres://user:password@host:5432/database');
  if (fault !== null) throw new Error(fault);
  const searchParams = queryOf(text);
  if ([hostsOf(text), searchParams.get('host') ?? ''].some((hosts) => hosts.includes(',')))
    throw new Error('names several hosts, and one is asked: let one name, address or proxy lead to the primary');
  refuseUnread(searchParams);
  refuseUnreadable(searchParams);
  return withSslMode(text, searchParams);
}

/**
 * What a connection to this database lays open, in one sentence that names no password; else null. Takes what parseDatabaseUrl
 * returns; a socket and this very machine need no TLS. `mode` is PGSSLMODE, which counts where the URL says nothing.
 */
export function databaseInTheClear(url: string, mode = 'disable'): string | null {
  const params = queryOf(url);
  const host = params.get('host') ?? hostsOf(url).replace(/:\d*$/, '');
  if (host === '' || host.startsWith('/') || isThisMachine(host)) return null;
  const ssl = params.get('ssl');
  const asked = params.get('sslmode') ?? (ssl === null ? mode : ssl === '0' || ssl === 'false' ? 'disable' : ssl);
  if (asked === 'no-verify')
    return `Nobody checks the certificate of the database at ${host} (sslmode=no-verify): any server that answers there gets the password. Use sslmode=verify-full.`;
  if (asked !== 'disable') return null;
  return `The database at ${host} is reached without TLS: the network between sees the password and all data. Add ?sslmode=verify-full to DATABASE_URL, unless that network is your own.`;
}

/** A parameter that is misspelt, or stands twice, asks for TLS to nobody's ears. */
function refuseUnread(params: URLSearchParams): void {
  const names = [...params.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`has the parameter ${twice} twice`);
  const unread = names.find((name) => /ssl|tls/i.test(name) && !OF_TLS.includes(name));
  if (unread !== undefined)
    throw new Error(`has the parameter ${unread}, which asks for nothing; those for TLS are ${OF_TLS.join(', ')}`);
}

function queryOf(text: string): URLSearchParams {
  return new URLSearchParams(/\?(.*)$/.exec(text)?.[1]);
}

function hostsOf(text: string): string {
  const authority = /^[a-z]+:\/\/([^/?]*)/.exec(text)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1);
}

function withSslMode(text: string, params: URLSearchParams): string {
  const mode = params.get('sslmode');
  if (mode === null || UNVERIFIED.includes(mode)) return text;
  if (!VERIFIED.includes(mode))
    throw new Error(`has sslmode=${mode.slice(0, 20)}; known are disable, no-verify, require and verify-full`);
  if (params.get('uselibpqcompat') !== 'true') return text.replace(/([?&]sslmode=)[a-z-]+/, '$1verify-full');
  if (mode === 'verify-ca' && !params.has('sslrootcert'))
    throw new Error('has sslmode=verify-ca without sslrootcert: use verify-full, or name the authority');
  return text;
}

function refuseUnreadable(params: URLSearchParams): void {
  for (const name of FILES) {
    const file = params.get(name);
    if (file === null) continue;
    if (name === 'sslrootcert' && file === 'system')
      throw new Error('has sslrootcert=system: leave it out, and the authorities that Node knows are asked');
    const bytes = read(file, name);
    if (name !== 'sslkey' && !isCertificate(bytes))
      throw new Error(`has ${name}=${file}, which holds no certificate in PEM`);
  }
  if (params.has('sslcert') !== params.has('sslkey'))
    throw new Error('has one of sslcert and sslkey, which need each other');
}

function read(file: string, name: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`has ${name}=${file}, which cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function isCertificate(bytes: Buffer): boolean {
  try {
    new X509Certificate(bytes);
    return true;
  } catch {
    return false;
  }
}
