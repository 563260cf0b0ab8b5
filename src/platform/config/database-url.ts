import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { faultOfUrl } from './url-fault.js';

const SCHEMES = ['postgres:', 'postgresql:'];
/** What pg verifies the certificate and the name for, whatever the word; it warns of all but the last that this will change. */
const VERIFIED = ['prefer', 'require', 'verify-ca', 'verify-full'];
const UNVERIFIED = ['disable', 'no-verify'];
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
  const searchParams = new URLSearchParams(/\?(.*)$/.exec(text)?.[1]);
  if ([hostsOf(text), searchParams.get('host') ?? ''].some((hosts) => hosts.includes(',')))
    throw new Error('names several hosts, and one is asked: let one name, address or proxy lead to the primary');
  refuseUnreadable(searchParams);
  return withSslMode(text, searchParams);
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
