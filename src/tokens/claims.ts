import { z } from 'zod';
import type { Principal } from '../access/principal.js';
import { isId } from '../platform/common/id.js';

/** Seconds by which the clocks of two instances may differ. */
export const LEEWAY = 5;

const time = z.int().min(0).max(99_999_999_999);

/** The claims of an access token (RFC 9068, 2.2), each required and of its type. An unknown claim is refused. */
const claims = z.strictObject({
  iss: z.string(),
  aud: z.string(),
  sub: z.string().refine(isId),
  sid: z.string().refine(isId),
  jti: z.string().min(1).max(64),
  iat: time,
  exp: time,
  roles: z.array(z.string().max(64)).max(256),
  ver: z.int().min(1),
  username: z.string().max(64).nullable(),
  auth_time: time.optional(),
});

export type Claims = z.infer<typeof claims>;

/** By what the claims of a token are judged; times in seconds. */
interface Expectations {
  now: number;
  /** The longest life that this server gives a token. */
  longest: number;
  isIssuer(issuer: string): boolean;
}

/**
 * Checks what a token whose signature is good says of itself, and returns the principal.
 * Returns null when a claim is missing, of another type, of another issuer, from the future, or gives the token a longer
 * life than this server gives.
 */
export function readClaims(payload: unknown, { now, longest, isIssuer }: Expectations): Principal | null {
  const { success, data } = claims.safeParse(payload);
  if (!success || !isIssuer(data.iss)) return null;
  if (data.iat > now + LEEWAY || data.exp <= data.iat || data.exp - data.iat > longest + LEEWAY) return null;
  return {
    userId: data.sub,
    sessionId: data.sid,
    username: data.username,
    roles: data.roles,
    tokenVersion: data.ver,
    expiresAt: data.exp * 1000,
  };
}
