/** What a renewal is asked for with. */
export interface Credential {
  /** Undefined if it is in the cookie. */
  refreshToken?: string;
  /**
   * The `Idempotency-Key` of the exchange, made and kept before the request leaves. If the answer is lost, the same token
   * with the same key gets the same successor, however late.
   */
  key: string;
}

/** Keeps the credential between renewals. */
export interface CredentialStore {
  /** Null if there is none. */
  read(): Promise<Credential | null> | Credential | null;
  /** Continues with a new refresh token and a new key. The token is undefined if it is in the cookie. */
  write(refreshToken: string | undefined): Promise<void> | void;
  clear(): Promise<void> | void;
}

const BYTES = 16;

/** 128 random bits. React Native has no `crypto` without a polyfill; a guessed key is worth nothing without its token. */
export function newKey(): string {
  const bytes = globalThis.crypto?.getRandomValues
    ? [...globalThis.crypto.getRandomValues(new Uint8Array(BYTES))]
    : Array.from({ length: BYTES }, () => Math.floor(Math.random() * 256));
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
