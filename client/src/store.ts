import { type Credential, type CredentialStore, newKey } from './credential.js';
import { StoreError } from './problem.js';

/**
 * Keeps the refresh token of an app that has no cookie, in the keychain or the key store of a phone. Never localStorage: in a
 * browser, use the cookie. What it is given to write is to be read as it is: the token, and what its renewal needs.
 */
export interface TokenStore {
  read(): Promise<string | null> | string | null;
  write(text: string): Promise<void> | void;
  clear(): Promise<void> | void;
}

/** Between the token and its key, which are kept as one text; neither has it. */
const SEPARATOR = ' ';

const textOf = ({ refreshToken, key }: Required<Credential>) => refreshToken + SEPARATOR + key;

/**
 * Wraps a store that may fail, such as a locked keychain. A token that it refused is kept here and written again later, so
 * that the session goes on: an older refresh token would count as stolen and end it. The key is kept beside the token.
 */
export class RetryingTokenStore implements CredentialStore {
  private unsaved: string | null = null;

  constructor(private readonly store: TokenStore) {}

  /** Throws a StoreError if the store cannot be read. */
  async read(): Promise<Credential | null> {
    const { unsaved } = this;
    if (unsaved !== null) await this.save(unsaved);
    const text = unsaved ?? (await this.readStore());
    if (text === null) return null;
    const [refreshToken = '', key] = text.split(SEPARATOR);
    if (key) return { refreshToken, key };
    // A version before this one has kept the token alone.
    const renewed = { refreshToken, key: newKey() };
    await this.save(textOf(renewed));
    return renewed;
  }

  async write(refreshToken: string | undefined): Promise<void> {
    if (refreshToken !== undefined) await this.save(textOf({ refreshToken, key: newKey() }));
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

  private async readStore(): Promise<string | null> {
    try {
      return await this.store.read();
    } catch (error) {
      throw new StoreError(error);
    }
  }

  private async save(text: string): Promise<void> {
    this.unsaved = text;
    try {
      await this.store.write(text);
      this.unsaved = null;
    } catch {
      // Written again with the next renewal.
    }
  }
}

/** Keeps the refresh token for the life of the process. */
export class MemoryStore implements TokenStore {
  private text: string | null = null;

  read(): string | null {
    return this.text;
  }

  write(text: string): void {
    this.text = text;
  }

  clear(): void {
    this.text = null;
  }
}
