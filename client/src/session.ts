import { type AccessToken, type TokenResponse, toAccessToken } from './access-token.js';
import { CookieCredential } from './cookie-credential.js';
import type { Credential, CredentialStore } from './credential.js';
import { createLock, type Lock } from './lock.js';
import { dataOf, GatehouseProblem } from './problem.js';
import { RetryingTokenStore, type TokenStore } from './store.js';
import { openTabChannel, type TabChannel, type TabMessage } from './tabs.js';
import { RENEWAL_TIMEOUT, retryWithBackoff, withTimeout } from './timeout.js';

/** `unknown` until `restore` has asked the server. */
export type SessionStatus = 'unknown' | 'signed-in' | 'signed-out';

export interface SessionEvents {
  /** A sign-in, here or in another tab. */
  signedIn: { sessionId: string };
  /** A sign-out, here or in another tab. */
  signedOut: undefined;
  /** The server has ended the session; `problem` says why. */
  sessionEnded: { problem: GatehouseProblem };
  /** There is a new access token. */
  renewed: { sessionId: string };
}

type Listeners = { [E in keyof SessionEvents]: Set<(detail: SessionEvents[E]) => void> };

export interface SessionOptions {
  baseUrl: string;
  /** Null if the refresh token is in a cookie. */
  store: TokenStore | null;
  fetch: typeof fetch;
  lock?: Lock;
  timeout?: number;
}

/** Problem codes of a refused refresh that are final, besides status 401. */
const FINAL_REFRESH_CODES = new Set(['account_disabled', 'email_not_verified']);

/** Holds the tokens of one session, and renews them one request at a time. */
export class Session {
  private token: AccessToken | null = null;
  private state: SessionStatus = 'unknown';
  /** Counts the changes of the session, to detect an answer to a request from before a change. */
  private epoch = 0;
  private renewal: Promise<AccessToken | null> | null = null;
  /** The last session that its user signed out of: a tab that was suspended meanwhile may still tell of it. */
  private signedOutOf: string | null = null;
  private readonly lock: Lock;
  private readonly store: CredentialStore;
  private readonly tabs: TabChannel;
  private readonly listeners: Listeners = {
    signedIn: new Set(),
    signedOut: new Set(),
    sessionEnded: new Set(),
    renewed: new Set(),
  };

  constructor(private readonly options: SessionOptions) {
    this.lock = options.lock ?? createLock();
    this.store = options.store ? new RetryingTokenStore(options.store) : new CookieCredential(options.baseUrl);
    // Tabs share a session through the cookie; an app with a store of its own shares nothing.
    this.tabs = options.store
      ? { broadcast: () => undefined, close: () => undefined }
      : openTabChannel(`gatehouse ${options.baseUrl}`, (message) => this.onMessage(message));
  }

  get status(): SessionStatus {
    return this.state;
  }

  /** Returns a function that removes the listener. */
  on<E extends keyof SessionEvents>(event: E, listener: (detail: SessionEvents[E]) => void): () => void {
    this.listeners[event].add(listener);
    return () => this.listeners[event].delete(listener);
  }

  /** Restores the session of an earlier visit, if any. Throws a NetworkError, a StoreError, or the server's temporary refusal. */
  async restore(): Promise<SessionStatus> {
    if (this.state === 'unknown') await this.renew(null);
    return this.state;
  }

  /**
   * Runs work that changes the cookie or the tokens while no other does, in any tab: otherwise a late answer to one tab
   * would replace the newer cookie of another. Not reentrant: a nested call would wait for itself.
   */
  withLock<T>(work: () => Promise<T>): Promise<T> {
    return this.lock(`gatehouse ${this.options.baseUrl}`, work);
  }

  /** Continues with new tokens. If they belong to another session, the former one is revoked (ASVS 5.0, 7.2.4). */
  async accept(answer: TokenResponse): Promise<void> {
    const former = this.token;
    const token = toAccessToken(answer, Date.now());
    this.setToken(token);
    this.tabs.broadcast({ type: 'tokens', token });
    await this.store.write(answer.refreshToken);
    // A sign-out during a slow write has cleared the store too early.
    if (this.state === 'signed-out') await this.store.clear();
    if (former && former.sessionId !== token.sessionId) await this.revokeFormer(former);
  }

  /** A token that is valid for another request, renewed before its expiry. Null when signed out. */
  async accessToken(): Promise<string | null> {
    const { token } = this;
    if (token && Date.now() < token.renewAt) return token.value;
    if (this.state === 'signed-out') return null;
    return (await this.renew(token?.value ?? null))?.value ?? null;
  }

  /**
   * A token other than the refused one: from a renewal under way, from another tab, or a new one. Null if the session has
   * ended. Throws as `restore` does; the session then goes on.
   */
  renew(refused: string | null): Promise<AccessToken | null> {
    this.renewal ??= this.withLock(async () => {
      if (this.token && this.token.value !== refused) return this.token;
      return this.exchangeRefreshToken();
    }).finally(() => {
      this.renewal = null;
    });
    return this.renewal;
  }

  /** Ends the session at the user's wish. */
  async signOut(): Promise<void> {
    this.signedOutOf = this.token?.sessionId ?? null;
    await this.clear();
    this.tabs.broadcast({ type: 'signed-out' });
    this.emit('signedOut', undefined);
  }

  /** Ends the session because the server did. Does nothing if a newer one has begun. */
  async end(problem: GatehouseProblem, refused: string | null): Promise<void> {
    const isCurrent = refused === (this.token?.value ?? null);
    if (this.state === 'signed-out' || !isCurrent) return;
    const wasSignedIn = this.state === 'signed-in';
    await this.clear();
    if (wasSignedIn) this.emit('sessionEnded', { problem });
  }

  /** Stops listening to other tabs. */
  close(): void {
    this.tabs.close();
  }

  private async exchangeRefreshToken(): Promise<AccessToken | null> {
    const { epoch } = this;
    const credential = await this.store.read();
    if (credential === null) {
      await this.clear();
      return null;
    }
    try {
      const answer = await this.refresh(credential);
      if (this.epoch === epoch) await this.accept(answer);
    } catch (error) {
      if (!(error instanceof GatehouseProblem) || !this.isFinal(error)) throw error;
      if (this.epoch === epoch) await this.end(error, this.token?.value ?? null);
    }
    return this.token;
  }

  /** Repeats a lost request, but not for long: somebody waits for it. The next renewal repeats it again, with the same key. */
  private refresh({ refreshToken, key }: Credential): Promise<TokenResponse> {
    const { baseUrl, store, fetch, timeout = RENEWAL_TIMEOUT } = this.options;
    return retryWithBackoff(timeout, async (signal) => {
      const response = await fetch(`${baseUrl}/v1/auth/refresh`, {
        method: 'POST',
        credentials: store ? 'omit' : 'include',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ refreshToken }),
        signal,
      });
      return dataOf<TokenResponse>(response);
    });
  }

  /** Any refusal but a final one is temporary. */
  private isFinal({ status, code, fields }: GatehouseProblem): boolean {
    const hasNoCookie = this.options.store === null && 'refreshToken' in fields;
    return status === 401 || FINAL_REFRESH_CODES.has(code) || hasNoCookie;
  }

  /** Revokes a session that another has replaced. If that fails, it stays listed among the account's devices. */
  private async revokeFormer({ sessionId, value }: AccessToken): Promise<void> {
    const { baseUrl, fetch, timeout = RENEWAL_TIMEOUT } = this.options;
    const headers = { authorization: `Bearer ${value}` };
    const ended = withTimeout(timeout, (signal) =>
      fetch(`${baseUrl}/v1/sessions/${sessionId}`, { method: 'DELETE', credentials: 'omit', headers, signal }),
    );
    await ended.catch(() => undefined);
  }

  private setToken(token: AccessToken): void {
    this.epoch++;
    const isNew = this.state !== 'signed-in' || this.token?.sessionId !== token.sessionId;
    this.token = token;
    this.state = 'signed-in';
    this.emit(isNew ? 'signedIn' : 'renewed', { sessionId: token.sessionId });
  }

  private async clear(): Promise<void> {
    this.epoch++;
    this.token = null;
    this.state = 'signed-out';
    await this.store.clear();
  }

  private onMessage(message: TabMessage): void {
    if (message.type === 'tokens') {
      const { token } = this;
      const isOlder = token?.sessionId === message.token.sessionId && token.renewAt > message.token.renewAt;
      if (!isOlder && message.token.sessionId !== this.signedOutOf) this.setToken(message.token);
      return;
    }
    this.signedOutOf = this.token?.sessionId ?? this.signedOutOf;
    if (this.state === 'signed-out') return;
    void this.clear();
    this.emit('signedOut', undefined);
  }

  private emit<E extends keyof SessionEvents>(event: E, detail: SessionEvents[E]): void {
    for (const listener of this.listeners[event]) {
      try {
        listener(detail);
      } catch (error) {
        // A sign-in must not fail because a listener throws.
        globalThis.reportError?.(error);
      }
    }
  }
}
