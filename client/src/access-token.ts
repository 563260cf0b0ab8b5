/** Milliseconds before its end at which a token is no longer used: longer than a request takes to arrive. */
const MARGIN = 30_000;

/** An access token and what is needed to know when to renew it. Kept in memory only. */
export interface AccessToken {
  value: string;
  sessionId: string;
  /** When to renew it, by the clock of this device: clocks that disagree with the server's do no harm. */
  renewAt: number;
}

/** The part of the server's answer that tokens come in. */
export interface TokensAnswer {
  accessToken: string;
  expiresIn: number;
  refreshToken?: string;
  session: { id: string; expiresAt: string };
}

/** Reads the server's answer at the time it came. Short-lived tokens are renewed after four fifths of their life. */
export function toAccessToken({ accessToken, expiresIn, session }: TokensAnswer, now: number): AccessToken {
  const life = expiresIn * 1000;
  return { value: accessToken, sessionId: session.id, renewAt: now + life - Math.min(MARGIN, life / 5) };
}
