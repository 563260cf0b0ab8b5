import createClient, { type Client } from 'openapi-fetch';
import type { TokensAnswer } from './access-token.js';
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
import { inTime, PATIENCE } from './timeout.js';

export interface GatehouseOptions {
  /** Where the server is. Empty: where the page comes from. */
  baseUrl?: string;
  /** Where an app keeps its refresh token. Without one the browser's cookie keeps it. */
  store?: TokenStore;
  fetch?: typeof fetch;
  lock?: Lock;
  /**
   * Milliseconds in which a renewal whose answer is lost is asked for again. Keep it below REFRESH_GRACE. 8 s; a sign-in
   * is waited for four times as long.
   */
  patience?: number;
}

type Send = (request: Request) => Promise<Response>;
type Bodies<P extends keyof paths> = paths[P] extends {
  post: { requestBody?: { content: { 'application/json': infer B } } };
}
  ? B
  : never;

/** The routes that answer with tokens, besides that of a renewal. */
type TokenPath = '/v1/auth/login' | '/v1/auth/register' | '/v1/auth/invitations/accept' | '/v1/users/me/password';

/** The refusals after which a fresh token helps; `invalid_token` comes of a server whose keys are new. */
const RENEWABLE = new Set(['token_expired', 'token_stale', 'invalid_token']);
/** The refusals after which none does. */
const ENDED = new Set(['session_revoked', 'session_expired']);

/** A typed client of one Gatehouse server, and the session of whoever uses it. */
export class Gatehouse {
  readonly session: Session;
  /** Every route of the server by its path; tokens are added, renewed and retried. */
  readonly api: Client<paths>;
  private readonly fetch: typeof fetch;
  private readonly baseUrl: string;
  private readonly usesCookie: boolean;
  private readonly patience: number;

  constructor({
    baseUrl = '',
    store,
    fetch: send = globalThis.fetch.bind(globalThis),
    lock,
    patience = PATIENCE,
  }: GatehouseOptions = {}) {
    this.fetch = send;
    this.baseUrl = (baseUrl || (globalThis.location?.origin ?? '')).replace(/\/+$/, '');
    this.usesCookie = store === undefined;
    this.patience = patience;
    this.session = new Session({ baseUrl: this.baseUrl, store: store ?? null, fetch: send, lock, patience });
    this.api = createClient<paths>({
      baseUrl: this.baseUrl,
      fetch: (request) => this.withToken(request, (authorized) => this.send(authorized)),
    });
  }

  /** Signs in. Throws a GatehouseProblem (`invalid_credentials`, …) or a NetworkError. */
  async signIn(credentials: Bodies<'/v1/auth/login'>): Promise<void> {
    await this.post('/v1/auth/login', credentials);
  }

  /** Makes an account. False where its email must be confirmed before the first sign-in. */
  signUp(form: Bodies<'/v1/auth/register'>): Promise<boolean> {
    return this.post('/v1/auth/register', form);
  }

  /** Takes a route that answers with tokens, such as a change of the password. False where none came. */
  async post<P extends TokenPath>(path: P, body: Bodies<P>): Promise<boolean> {
    let isTaken = false;
    await this.change(path, body, async (answer) => {
      if (answer.accessToken === undefined) return;
      await this.session.accept(answer as TokensAnswer);
      isTaken = true;
    });
    return isTaken;
  }

  /** Signs out, on the server too. Throws a NetworkError where it cannot be told: the session then goes on. */
  async signOut(): Promise<void> {
    const end = () => this.session.signOut();
    if (this.session.status === 'signed-out') return end();
    await this.change('/v1/auth/logout', undefined, end).catch((error) => {
      // A session that the server no longer knows is over already.
      if (!(error instanceof GatehouseProblem) || error.status !== 401) throw error;
      return end();
    });
  }

  /** Sends what changes the session and takes what comes of it, both while nothing else changes it in any tab. */
  private async change(path: string, body: unknown, take: (answer: Partial<TokensAnswer>) => Promise<void>) {
    const send: Send = (request) =>
      this.session.alone(async () => {
        const response = await inTime(this.patience * 4, (signal) => this.whole(request, signal));
        if (response.ok) await take(await dataOf(response.clone()));
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

  /** Sends a request with a good token; once more with a fresh one where the server says that it takes one. */
  private async withToken(request: Request, send: Send, renewed?: string): Promise<Response> {
    const token = renewed ?? (await this.session.accessToken());
    const again = request.clone();
    const response = await send(authorized(request, token));
    if (response.status !== 401 || token === null) return response;
    const problem = await problemOf(response);
    if (problem && ENDED.has(problem.code)) await this.session.end(problem, token);
    if (renewed || !problem || !RENEWABLE.has(problem.code)) return response;
    const fresh = await this.session.renew(token);
    return fresh ? this.withToken(again, send, fresh.value) : response;
  }

  private async send(request: Request): Promise<Response> {
    try {
      return await this.fetch(request);
    } catch (error) {
      throw new NetworkError(error);
    }
  }

  /** An answer of which nothing is left to wait for. */
  private async whole(request: Request, signal: AbortSignal): Promise<Response> {
    const response = await this.fetch(request, { signal });
    await response.clone().text();
    return response;
  }
}

function authorized(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
  return request;
}

/** The data of an answer. Throws the server's refusal as a GatehouseProblem, and a NetworkError where none of its own came. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer.catch((reason) => {
    throw failureOf(reason);
  });
  if (response.ok) return data as T;
  if (error && typeof error === 'object' && 'code' in error) throw new GatehouseProblem(error as ProblemBody);
  throw new NetworkError(`status ${response.status}`);
}
