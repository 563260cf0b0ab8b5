import { StoreError } from './problem.js';

/**
 * Keeps the refresh token of an app that has no cookie: the keychain or the key store of a phone. Never localStorage: in a
 * browser, use the cookie.
 */
export interface TokenStore {
  read(): Promise<string | null> | string | null;
  write(refreshToken: string): Promise<void> | void;
  clear(): Promise<void> | void;
}

/**
 * Wraps a store that may fail, such as a locked keychain. A token that it refused is kept here and written again later, so
 * that the session goes on: an older refresh token would count as stolen and end it.
 */
export class RetryingTokenStore {
  private unsaved: string | null = null;

  constructor(private readonly store: TokenStore) {}

  /** Throws a StoreError if the store cannot be read. */
  async read(): Promise<string | null> {
    const token = this.unsaved;
    if (token !== null) {
      await this.write(token);
      return token;
    }
    try {
      return await this.store.read();
    } catch (error) {
      throw new StoreError(error);
    }
  }

  async write(refreshToken: string): Promise<void> {
    this.unsaved = refreshToken;
    try {
      await this.store.write(refreshToken);
      this.unsaved = null;
    } catch {
      // Written again with the next renewal.
    }
  }

  /** If this fails, the token left in the store belongs to an ended session and is worthless. */
  async clear(): Promise<void> {
    this.unsaved = null;
    try {
      await this.store.clear();
    } catch {
      // See above: nothing depends on it.
    }
  }
}

/** Keeps the refresh token for the life of the process. */
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
