/** Milliseconds before its expiry at which a token is no longer used: longer than a request takes to arrive. */
const EXPIRY_MARGIN = 30_000;

/** Kept in memory only. */
export interface AccessToken {
  value: string;
  sessionId: string;
  /** By the clock of this device, so that a difference from the server's clock does no harm. */
  renewAt: number;
}

/** The part of an answer that carries tokens. */
export interface TokenResponse {
  accessToken: string;
  expiresIn: number;
  refreshToken?: string;
  session: { id: string; expiresAt: string };
}

/** `now` is when the answer arrived. Short-lived tokens are renewed after four fifths of their lifetime. */
export function toAccessToken({ accessToken, expiresIn, session }: TokenResponse, now: number): AccessToken {
  const lifetime = expiresIn * 1000;
  return { value: accessToken, sessionId: session.id, renewAt: now + lifetime - Math.min(EXPIRY_MARGIN, lifetime / 5) };
}
