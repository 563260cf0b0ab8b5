/**
 * Keeps the refresh token of an app that has no cookie. On a phone this is the keychain or the key store. Never
 * localStorage: in a browser, take the cookie.
 */
export interface TokenStore {
  read(): Promise<string | null> | string | null;
  write(refreshToken: string): Promise<void> | void;
  clear(): Promise<void> | void;
}

/** Keeps the refresh token as long as the process lives. */
export class MemoryStore implements TokenStore {
  private token: string | null = null;

  read(): string | null {
    return this.token;
  }

  write(refreshToken: string): void {
    this.token = refreshToken;
  }

  clear(): void {
    this.token = null;
  }
}
