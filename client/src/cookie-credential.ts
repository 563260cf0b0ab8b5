import { type Credential, type CredentialStore, newKey } from './credential.js';
import { type PageStorage, pageStorage } from './page-storage.js';

/**
 * The refresh token is in a cookie that no script reads; its key is in localStorage, for all tabs and for the next visit. The
 * key alone is worth nothing. In a page without storage it lasts as long as the page.
 */
export class CookieCredential implements CredentialStore {
  private key = newKey();
  private readonly name: string;

  constructor(
    baseUrl: string,
    private readonly storage: PageStorage | undefined = pageStorage(),
  ) {
    this.name = `gatehouse refresh ${baseUrl}`;
  }

  read(): Credential {
    const kept = this.attempt((storage) => storage.getItem(this.name));
    if (kept) this.key = kept;
    else this.keep();
    return { key: this.key };
  }

  write(): void {
    this.key = newKey();
    this.keep();
  }

  clear(): void {
    this.attempt((storage) => storage.removeItem(this.name));
  }

  private keep(): void {
    this.attempt((storage) => storage.setItem(this.name, this.key));
  }

  /** Storage may be full or forbidden at any time. */
  private attempt<T>(use: (storage: PageStorage) => T): T | undefined {
    try {
      return this.storage && use(this.storage);
    } catch {
      return undefined;
    }
  }
}
