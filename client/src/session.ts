import { type AccessToken, type TokensAnswer, toAccessToken } from './access-token.js';
import { createLock, type Lock } from './lock.js';
import { type GatehouseProblem, jsonOf, NetworkError, refusalOf } from './problem.js';
import { PatientStore, type TokenStore } from './store.js';
import { openTabs, type TabMessage, type Tabs } from './tabs.js';

/** Where somebody stands. `unknown` until `restore` has asked. */
export type SessionStatus = 'unknown' | 'signed-in' | 'signed-out';

/** What can happen to a session. */
export interface SessionEvents {
  /** Somebody is signed in, here or in another tab. */
  signedIn: { sessionId: string };
  /** Somebody has signed out, here or in another tab. */
  signedOut: undefined;
  /** The server has ended the session; the problem says why. */
  sessionEnded: { problem: GatehouseProblem };
  /** There is a fresh access token. */
  renewed: { sessionId: string };
}

type Listeners = { [E in keyof SessionEvents]: Set<(detail: SessionEvents[E]) => void> };

export interface SessionOptions {
  baseUrl: string;
  /** Null: the refresh token is in the cookie. */
  store: TokenStore | null;
  fetch: typeof fetch;
  lock?: Lock;
  patience?: number;
}

/** Milliseconds for the answer to a renewal: below the 10 s in which a server gives the same answer again. */
const PATIENCE = 8_000;
/** Refusals of a refresh that no later one would lift, besides 401. */
const ENDS_SESSION = new Set(['account_disabled', 'email_not_verified']);

/** Holds the tokens of one session, and renews them one request at a time. */
export class Session {
  private token: AccessToken | null = null;
  private current: SessionStatus = 'unknown';
  private renewal: Promise<AccessToken | null> | null = null;
  private readonly lock: Lock;
  private readonly store: PatientStore | null;
  private readonly tabs: Tabs;
  private readonly listeners: Listeners = {
    signedIn: new Set(),
    signedOut: new Set(),
    sessionEnded: new Set(),
    renewed: new Set(),
  };

  constructor(private readonly options: SessionOptions) {
    this.lock = options.lock ?? createLock();
    this.store = options.store && new PatientStore(options.store);
    // Tabs share a session by the cookie; an app with a store of its own shares nothing.
    this.tabs = options.store
      ? { tell: () => undefined, close: () => undefined }
      : openTabs(`gatehouse ${options.baseUrl}`, (message) => this.hear(message));
  }

  get status(): SessionStatus {
    return this.current;
  }

  /** Calls back on every such event; returns what stops it. */
  on<E extends keyof SessionEvents>(event: E, listener: (detail: SessionEvents[E]) => void): () => void {
    this.listeners[event].add(listener);
    return () => this.listeners[event].delete(listener);
  }

  /** Finds out whether there is a session from before. Throws a NetworkError, or the server's temporary refusal. */
  async restore(): Promise<SessionStatus> {
    if (this.current === 'unknown') await this.renew(null);
    return this.current;
  }

  /** Takes the tokens of a sign-in. */
  async accept(answer: TokensAnswer): Promise<void> {
    if (answer.refreshToken !== undefined) await this.store?.write(answer.refreshToken);
    const token = toAccessToken(answer, Date.now());
    this.take(token);
    this.tabs.tell({ type: 'tokens', token });
  }

  /** A token that is good for another request, renewed before its end. Null where nobody is signed in. */
  async accessToken(): Promise<string | null> {
    const { token } = this;
    if (token && Date.now() < token.renewAt) return token.value;
    if (this.current === 'signed-out') return null;
    return (await this.renew(token?.value ?? null))?.value ?? null;
  }

  /**
   * A token other than the refused one: that of a renewal under way, of another tab, or a new one. Null where the session
   * has ended. Throws a NetworkError, or the server's temporary refusal; the session then goes on.
   */
  renew(refused: string | null): Promise<AccessToken | null> {
    this.renewal ??= this.lock(`gatehouse ${this.options.baseUrl}`, async () => {
      if (this.token && this.token.value !== refused) return this.token;
      return this.exchange();
    }).finally(() => {
      this.renewal = null;
    });
    return this.renewal;
  }

  /** The session is over because somebody wanted it so. */
  async signOut(): Promise<void> {
    await this.forget();
    this.tabs.tell({ type: 'signed-out' });
    this.emit('signedOut', undefined);
  }

  /** The session is over because the server says so. Does nothing where a newer one has begun. */
  async end(problem: GatehouseProblem, refused: string | null): Promise<void> {
    const isCurrent = refused === (this.token?.value ?? null);
    if (this.current === 'signed-out' || !isCurrent) return;
    const wasSignedIn = this.current === 'signed-in';
    await this.forget();
    if (wasSignedIn) this.emit('sessionEnded', { problem });
  }

  /** Stops listening to other tabs. */
  close(): void {
    this.tabs.close();
  }

  private async exchange(): Promise<AccessToken | null> {
    const { store } = this;
    const { baseUrl } = this.options;
    const held = this.token?.value ?? null;
    const refreshToken = store ? await store.read() : undefined;
    if (refreshToken === null) {
      await this.forget();
      return null;
    }
    const response = await this.send(`${baseUrl}/v1/auth/refresh`, {
      method: 'POST',
      credentials: store ? 'omit' : 'include',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refreshToken }),
    });
    if (response.ok) {
      const answer = await jsonOf<TokensAnswer>(response);
      // Somebody has signed out or in meanwhile: what was renewed is no longer the session.
      if (held === (this.token?.value ?? null)) await this.accept(answer);
      return this.token;
    }
    const problem = await refusalOf(response);
    if (problem instanceof NetworkError) throw problem;
    const hasNone = store === null && 'refreshToken' in problem.fields;
    if (problem.status !== 401 && !ENDS_SESSION.has(problem.code) && !hasNone) throw problem;
    await this.end(problem, held);
    return null;
  }

  /**
   * What is not answered in time is asked for once more: within the grace of the server the same answer comes. Without an
   * end to the waiting one lost connection would hold up every tab.
   */
  private async send(url: string, init: RequestInit, isLast = false): Promise<Response> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), this.options.patience ?? PATIENCE);
    try {
      return await this.options.fetch(url, { ...init, signal: patience.signal });
    } catch (error) {
      if (isLast || !patience.signal.aborted) throw new NetworkError(error);
    } finally {
      clearTimeout(timer);
    }
    return this.send(url, init, true);
  }

  private take(token: AccessToken): void {
    const isNew = this.current !== 'signed-in' || this.token?.sessionId !== token.sessionId;
    this.token = token;
    this.current = 'signed-in';
    this.emit(isNew ? 'signedIn' : 'renewed', { sessionId: token.sessionId });
  }

  private async forget(): Promise<void> {
    this.token = null;
    this.current = 'signed-out';
    await this.store?.clear();
  }

  private hear(message: TabMessage): void {
    if (message.type === 'tokens') {
      const { token } = this;
      const isOlder = token?.sessionId === message.token.sessionId && token.renewAt > message.token.renewAt;
      if (!isOlder) this.take(message.token);
      return;
    }
    if (this.current === 'signed-out') return;
    void this.forget();
    this.emit('signedOut', undefined);
  }

  private emit<E extends keyof SessionEvents>(event: E, detail: SessionEvents[E]): void {
    for (const listener of this.listeners[event]) {
      try {
        listener(detail);
      } catch (error) {
        // A fault of whoever listens is no reason for a sign-in to fail.
        globalThis.reportError?.(error);
      }
    }
  }
}
