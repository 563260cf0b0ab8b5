import { z } from 'zod';
import type { SessionPrincipal } from '../access/principal.js';
import { isId } from '../platform/common/id.js';

/** Seconds by which the clocks of two instances may differ. */
export const LEEWAY = 5;

/** The `client_id` of every token that a sign-in at Gatehouse itself gives. */
export const FIRST_PARTY = 'gatehouse';

const time = z.int().min(0).max(99_999_999_999);

/** The claims that every token has had from the first. */
const earliest = z.object({
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
  org: z.string().min(1).max(64).optional(),
  // These limit what a token is good for, and nothing here keeps to that limit: a token that has one is refused.
  scope: z.never().optional(),
  cnf: z.never().optional(),
});

/**
 * The claims of an access token (RFC 9068, 2.2), each required and of its type. A claim that is not known is ignored, so
 * that an instance takes the tokens of one with a newer version.
 */
const claims = earliest.extend({
  client_id: z.literal(FIRST_PARTY),
  auth_time: time,
  amr: z.array(z.string().min(1).max(64)).max(32),
  acr: z.string().min(1).max(64),
});

/** A token of a version that wrote none of the claims that came later. */
const outdated = earliest.extend({
  client_id: z.never().optional(),
  auth_time: z.never().optional(),
  amr: z.never().optional(),
  acr: z.never().optional(),
});

/** What an access token says. */
export type Claims = z.infer<typeof claims>;

/** What the claims of a token are checked against; times in seconds. */
interface Expectations {
  now: number;
  /** The longest life that this server gives a token. */
  longest: number;
  isIssuer(issuer: string): boolean;
}

/**
 * Checks what a token whose signature is good says of itself, and returns the principal.
 * Returns `outdated` for a good token of the version before, which its holder must exchange. Returns null when a claim is
 * missing, of another type, of another issuer, from the future, or gives the token a longer life than this server gives.
 */
export function readClaims(payload: unknown, expectations: Expectations): SessionPrincipal | 'outdated' | null {
  const current = claims.safeParse(payload);
  if (current.success) return isAcceptable(current.data, expectations) ? principalOf(current.data) : null;
  const former = outdated.safeParse(payload);
  return former.success && isAcceptable(former.data, expectations) ? 'outdated' : null;
}

function isAcceptable(
  { iss, iat, exp }: Pick<Claims, 'iss' | 'iat' | 'exp'>,
  { now, longest, isIssuer }: Expectations,
): boolean {
  return isIssuer(iss) && iat <= now + LEEWAY && exp > iat && exp - iat <= longest;
}

function principalOf({ sub, sid, username, roles, ver, iat, exp }: Claims): SessionPrincipal {
  return {
    kind: 'session',
    userId: sub,
    sessionId: sid,
    username,
    roles,
    tokenVersion: ver,
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
  };
}
