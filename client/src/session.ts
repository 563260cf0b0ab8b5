import { type AccessToken, type TokensAnswer, toAccessToken } from './access-token.js';
import { createLock, type Lock } from './lock.js';
import { dataOf, GatehouseProblem } from './problem.js';
import { PatientStore, type TokenStore } from './store.js';
import { openTabs, type TabMessage, type Tabs } from './tabs.js';
import { insist, inTime, PATIENCE } from './timeout.js';

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

/** Refusals of a refresh that no later one would lift, besides 401. */
const ENDS_SESSION = new Set(['account_disabled', 'email_not_verified']);

/** Holds the tokens of one session, and renews them one request at a time. */
export class Session {
  private token: AccessToken | null = null;
  private current: SessionStatus = 'unknown';
  /** Counts what has happened to the session: an answer to a question from before is out of date. */
  private epoch = 0;
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

  /** Finds out whether there is one from before. Throws a NetworkError, a StoreError, or the server's temporary refusal. */
  async restore(): Promise<SessionStatus> {
    if (this.current === 'unknown') await this.renew(null);
    return this.current;
  }

  /**
   * Runs what changes the cookie or the tokens while nothing else does, in any tab: else a late answer to one tab would
   * replace the newer cookie of another. Never within itself, for it would wait for itself.
   */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.lock(`gatehouse ${this.options.baseUrl}`, work);
  }

  /** Takes new tokens. Where they are of another session, the former one ends (ASVS 5.0, 7.2.4). */
  async accept(answer: TokensAnswer): Promise<void> {
    const former = this.token;
    const token = toAccessToken(answer, Date.now());
    this.take(token);
    this.tabs.tell({ type: 'tokens', token });
    if (answer.refreshToken !== undefined) await this.store?.write(answer.refreshToken);
    // Whoever signed out while the store was slow has cleared it too early.
    if (this.current === 'signed-out') await this.store?.clear();
    if (former && former.sessionId !== token.sessionId) await this.leave(former);
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
   * has ended. Throws as `restore` does; the session then goes on.
   */
  renew(refused: string | null): Promise<AccessToken | null> {
    this.renewal ??= this.alone(async () => {
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
    const { epoch } = this;
    const refreshToken = this.store ? await this.store.read() : undefined;
    if (refreshToken === null) {
      await this.forget();
      return null;
    }
    try {
      const answer = await this.refresh(refreshToken);
      if (this.epoch === epoch) await this.accept(answer);
    } catch (error) {
      if (!(error instanceof GatehouseProblem) || !this.isOver(error)) throw error;
      if (this.epoch === epoch) await this.end(error, this.token?.value ?? null);
    }
    return this.token;
  }

  /** Asks until there is an answer, but not for long: the server takes the former token within its grace only. */
  private refresh(refreshToken: string | undefined): Promise<TokensAnswer> {
    const { baseUrl, fetch, patience = PATIENCE } = this.options;
    return insist(patience, async (signal) => {
      const response = await fetch(`${baseUrl}/v1/auth/refresh`, {
        method: 'POST',
        credentials: this.store ? 'omit' : 'include',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refreshToken }),
        signal,
      });
      return dataOf<TokensAnswer>(response);
    });
  }

  /** Whether a refused refresh ends the session; any other refusal is temporary. */
  private isOver({ status, code, fields }: GatehouseProblem): boolean {
    const hasNone = this.store === null && 'refreshToken' in fields;
    return status === 401 || ENDS_SESSION.has(code) || hasNone;
  }

  /** Ends a session whose place another has taken. Where that fails, it is among the devices of its account. */
  private async leave({ sessionId, value }: AccessToken): Promise<void> {
    const { baseUrl, fetch, patience = PATIENCE } = this.options;
    const headers = { authorization: `Bearer ${value}` };
    const ended = inTime(patience, (signal) =>
      fetch(`${baseUrl}/v1/sessions/${sessionId}`, { method: 'DELETE', credentials: 'omit', headers, signal }),
    );
    await ended.catch(() => undefined);
  }

  private take(token: AccessToken): void {
    this.epoch++;
    const isNew = this.current !== 'signed-in' || this.token?.sessionId !== token.sessionId;
    this.token = token;
    this.current = 'signed-in';
    this.emit(isNew ? 'signedIn' : 'renewed', { sessionId: token.sessionId });
  }

  private async forget(): Promise<void> {
    this.epoch++;
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
