import { StoreError } from './problem.js';

/**
 * Keeps the refresh token of an app that has no cookie. On a phone this is the keychain or the key store. Never
 * localStorage: in a browser, take the cookie.
 */
export interface TokenStore {
  read(): Promise<string | null> | string | null;
  write(refreshToken: string): Promise<void> | void;
  clear(): Promise<void> | void;
}

/**
 * A store that may fail, such as a keychain that is locked. What it did not take is kept here and offered to it again, so
 * that the session goes on: to come back with an older refresh token would count as theft and end it.
 */
export class PatientStore {
  private unsaved: string | null = null;

  constructor(private readonly store: TokenStore) {}

  /** Throws a StoreError where the store cannot say what it has. */
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
      // Offered again with the next renewal.
    }
  }

  /** Where this fails, what is left in the store is of a session that has ended, and good for nothing. */
  async clear(): Promise<void> {
    this.unsaved = null;
    try {
      await this.store.clear();
    } catch {
      // Nothing depends on it.
    }
  }
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
