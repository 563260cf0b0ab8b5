import createClient, { type Client } from 'openapi-fetch';
import type { TokenResponse } from './access-token.js';
import type { Lock } from './lock.js';
import {
  dataOf,
  failureOf,
  GatehouseProblem,
  NetworkError,
  type ProblemBody,
  problemOf,
  refusalOf,
} from './problem.js';
import type { paths } from './schema.js';
import { Session } from './session.js';
import type { TokenStore } from './store.js';
import { RENEWAL_TIMEOUT, withTimeout } from './timeout.js';

export interface GatehouseOptions {
  /** The server's address. Defaults to the origin of the page. */
  baseUrl?: string;
  /** Keeps the refresh token of an app. Without it the browser keeps the token in a cookie. */
  store?: TokenStore;
  fetch?: typeof fetch;
  lock?: Lock;
  /** Milliseconds for a renewal with its retries, 8,000 by default. Any other call may take four times as long to be answered. */
  timeout?: number;
}

type Send = (request: Request) => Promise<Response>;
type Bodies<P extends keyof paths> = paths[P] extends {
  post: { requestBody?: { content: { 'application/json': infer B } } };
}
  ? B
  : never;

/** The routes that answer with tokens, except the renewal. */
type TokenPath = '/v1/auth/login' | '/v1/auth/register' | '/v1/auth/invitations/accept' | '/v1/users/me/password';

/** Problem codes that a new token resolves; a server with new keys answers `invalid_token`. */
const RENEWABLE_CODES = new Set(['token_expired', 'token_stale', 'invalid_token']);
/** Problem codes that end the session. */
const SESSION_ENDED_CODES = new Set(['session_revoked', 'session_expired']);

/** A typed client of one Gatehouse server, with the session of its user. */
export class Gatehouse {
  readonly session: Session;
  /** Every route of the server by its path. Adds the token, renews it, and repeats the request with the new one. */
  readonly api: Client<paths>;
  private readonly fetch: typeof fetch;
  private readonly baseUrl: string;
  private readonly usesCookie: boolean;
  private readonly timeout: number;

  constructor({
    baseUrl = '',
    store,
    fetch: send = globalThis.fetch.bind(globalThis),
    lock,
    timeout = RENEWAL_TIMEOUT,
  }: GatehouseOptions = {}) {
    this.fetch = send;
    this.baseUrl = (baseUrl || (globalThis.location?.origin ?? '')).replace(/\/+$/, '');
    this.usesCookie = store === undefined;
    this.timeout = timeout;
    this.session = new Session({ baseUrl: this.baseUrl, store: store ?? null, fetch: send, lock, timeout });
    this.api = createClient<paths>({
      baseUrl: this.baseUrl,
      fetch: (request) => this.withToken(request, (authorized) => this.send(authorized)),
    });
  }

  /** Throws a GatehouseProblem (`invalid_credentials`, …) or a NetworkError. */
  async signIn(credentials: Bodies<'/v1/auth/login'>): Promise<void> {
    await this.requestTokens('/v1/auth/login', credentials);
  }

  /** Creates an account. False if its email must be confirmed before the first sign-in. */
  signUp(form: Bodies<'/v1/auth/register'>): Promise<boolean> {
    return this.requestTokens('/v1/auth/register', form);
  }

  /**
   * Calls a route that answers with tokens, such as a change of the password, and continues with them. False if the answer
   * has none.
   */
  async requestTokens<P extends TokenPath>(path: P, body: Bodies<P>): Promise<boolean> {
    let hasTokens = false;
    await this.changeSession(path, body, async (answer) => {
      if (answer.accessToken === undefined) return;
      await this.session.accept(answer as TokenResponse);
      hasTokens = true;
    });
    return hasTokens;
  }

  /** Signs out, on the server too. Throws a NetworkError if the server cannot be reached; the session then goes on. */
  async signOut(): Promise<void> {
    const end = () => this.session.signOut();
    if (this.session.status === 'signed-out') return end();
    await this.changeSession('/v1/auth/logout', undefined, end).catch((error) => {
      // The server no longer knows the session, so it is already over.
      if (!(error instanceof GatehouseProblem) || error.status !== 401) throw error;
      return end();
    });
  }

  /** Sends the request and applies its answer under the lock, so that no other tab changes the session meanwhile. */
  private async changeSession(path: string, body: unknown, apply: (answer: Partial<TokenResponse>) => Promise<void>) {
    const send: Send = (request) =>
      this.session.withLock(async () => {
        const response = await withTimeout(this.timeout * 4, (signal) => this.fetchCompletely(request, signal));
        if (response.ok) await apply(await dataOf(response.clone()));
        return response;
      });
    const request = this.request(path, body);
    const response = await (this.session.status === 'unknown' ? send(request) : this.withToken(request, send));
    if (!response.ok) throw await refusalOf(response);
  }

  private request(path: string, body?: unknown): Request {
    return new Request(this.baseUrl + path, {
      method: 'POST',
      credentials: this.usesCookie ? 'include' : 'omit',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.usesCookie && { 'x-token-delivery': 'cookie' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** Sends a request with a valid token, and once more with a new one if the server refuses the first as outdated. */
  private async withToken(request: Request, send: Send, renewed?: string): Promise<Response> {
    const token = renewed ?? (await this.session.accessToken());
    const retry = request.clone();
    const response = await send(authorized(request, token));
    if (response.status !== 401 || token === null) return response;
    const problem = await problemOf(response);
    if (problem && SESSION_ENDED_CODES.has(problem.code)) await this.session.end(problem, token);
    if (renewed || !problem || !RENEWABLE_CODES.has(problem.code)) return response;
    const fresh = await this.session.renew(token);
    return fresh ? this.withToken(retry, send, fresh.value) : response;
  }

  /** Waits for the head of the answer alone: an export may take its time. */
  private send(request: Request): Promise<Response> {
    return withTimeout(this.timeout * 4, () => this.fetch(request));
  }

  /** Waits for the body too, so that the timeout covers it. */
  private async fetchCompletely(request: Request, signal: AbortSignal): Promise<Response> {
    const response = await this.fetch(request, { signal });
    await response.clone().text();
    return response;
  }
}

function authorized(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
  return request;
}

/** Returns the data of an answer. Throws a GatehouseProblem if the server refused, a NetworkError if it did not answer itself. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer.catch((reason) => {
    throw failureOf(reason);
  });
  if (response.ok) return data as T;
  if (error && typeof error === 'object' && 'code' in error) throw new GatehouseProblem(error as ProblemBody);
  throw new NetworkError(`status ${response.status}`);
}
