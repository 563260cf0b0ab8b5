import { parseStrictJson } from '../platform/common/strict-json.js';

/** Longer tokens are refused unread. */
export const LONGEST_TOKEN = 8 * 1024;

const THREE_PARTS = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

export interface TokenHeader {
  alg: string;
  kid: string;
}

/**
 * Checks the form of an access token before any key is touched, and returns its header.
 * jsonwebtoken accepts what it should not: an unknown `crit`, `b64`, any `typ`, base64url with stray bits, members that
 * stand twice. One token has one spelling here (RFC 8725bis), and its header exactly the three members we write.
 * Returns null for anything else.
 */
export function readTokenForm(token: string): TokenHeader | null {
  if (token.length > LONGEST_TOKEN) return null;
  const parts = THREE_PARTS.exec(token);
  if (!parts?.slice(1).every(isCanonical)) return null;
  const header = readObject(parts[1]);
  if (!header || !readObject(parts[2]) || Object.keys(header).length !== 3) return null;
  const { alg, kid, typ } = header;
  // RFC 9068, 2.1 and RFC 8725, 3.11: the type is explicit and no other kind of token passes for this one.
  if (typ !== 'at+jwt' || typeof alg !== 'string' || typeof kid !== 'string') return null;
  return { alg, kid };
}

/** Whether base64url text is the one that its bytes encode to: no padding, no bits beyond the last byte. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function readObject(part: string | undefined): Record<string, unknown> | null {
  try {
    const value = parseStrictJson(Buffer.from(part ?? '', 'base64url'));
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
