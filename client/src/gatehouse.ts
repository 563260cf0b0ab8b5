import createClient, { type Client } from 'openapi-fetch';
import type { TokensAnswer } from './access-token.js';
import type { Lock } from './lock.js';
import { GatehouseProblem, jsonOf, NetworkError, type ProblemBody, problemOf, refusalOf } from './problem.js';
import type { paths } from './schema.js';
import { Session } from './session.js';
import type { TokenStore } from './store.js';

export interface GatehouseOptions {
  /** Where the server is. Empty: where the page comes from. */
  baseUrl?: string;
  /** Where an app keeps its refresh token. Without one the browser's cookie keeps it. */
  store?: TokenStore;
  fetch?: typeof fetch;
  lock?: Lock;
  /** Milliseconds in which a renewal must be answered; then it is asked for once more. Keep it below REFRESH_GRACE. 8 s. */
  patience?: number;
}

type Bodies<P extends keyof paths> = paths[P] extends {
  post: { requestBody?: { content: { 'application/json': infer B } } };
}
  ? B
  : never;

/** The refusals after which a fresh token helps. */
const RENEWABLE = new Set(['token_expired', 'token_stale']);
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

  constructor({
    baseUrl = '',
    store,
    fetch: send = globalThis.fetch.bind(globalThis),
    lock,
    patience,
  }: GatehouseOptions = {}) {
    this.fetch = send;
    this.baseUrl = (baseUrl || (globalThis.location?.origin ?? '')).replace(/\/+$/, '');
    this.usesCookie = store === undefined;
    this.session = new Session({ baseUrl: this.baseUrl, store: store ?? null, fetch: send, lock, patience });
    this.api = createClient<paths>({ baseUrl: this.baseUrl, fetch: (request) => this.withToken(request) });
  }

  /** Signs in. Throws a GatehouseProblem (`invalid_credentials`, …) or a NetworkError. */
  async signIn(credentials: Bodies<'/v1/auth/login'>): Promise<void> {
    await this.post('/v1/auth/login', credentials);
  }

  /** Makes an account. False where its email must be confirmed before the first sign-in. */
  signUp(form: Bodies<'/v1/auth/register'>): Promise<boolean> {
    return this.post('/v1/auth/register', form);
  }

  /** Takes any other route that answers with tokens, such as a change of the password. False where none came. */
  async post(path: string, body: unknown): Promise<boolean> {
    const request = this.request(path, body);
    const isSignedIn = this.session.status === 'signed-in';
    const answer = await read<Partial<TokensAnswer>>(
      isSignedIn ? await this.withToken(request) : await this.send(request),
    );
    if (answer.accessToken === undefined) return false;
    await this.session.accept(answer as TokensAnswer);
    return true;
  }

  /** Signs out, on the server too. Throws a NetworkError where it cannot be told: the session then goes on. */
  async signOut(): Promise<void> {
    if (this.session.status !== 'signed-out') {
      const told = this.withToken(this.request('/v1/auth/logout')).then(read);
      await told.catch((error) => {
        // A session that the server no longer knows is over already.
        if (!(error instanceof GatehouseProblem) || error.status !== 401) throw error;
      });
    }
    await this.session.signOut();
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
  private async withToken(request: Request): Promise<Response> {
    const token = await this.session.accessToken();
    const again = request.clone();
    const response = await this.send(authorized(request, token));
    if (response.status !== 401 || token === null) return response;
    const problem = await problemOf(response);
    if (problem && RENEWABLE.has(problem.code)) {
      const renewed = await this.session.renew(token);
      return renewed ? this.send(authorized(again, renewed.value)) : response;
    }
    if (problem && ENDED.has(problem.code)) await this.session.end(problem, token);
    return response;
  }

  private async send(request: Request): Promise<Response> {
    try {
      return await this.fetch(request);
    } catch (error) {
      throw new NetworkError(error);
    }
  }
}

function authorized(request: Request, token: string | null): Request {
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
  return request;
}

async function read<T>(response: Response): Promise<T> {
  if (response.ok) return jsonOf<T>(response);
  throw await refusalOf(response);
}

/** The data of an answer. Throws the server's refusal as a GatehouseProblem, and a NetworkError where none of its own came. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer.catch((reason) => {
    throw reason instanceof SyntaxError ? new NetworkError(reason) : reason;
  });
  if (response.ok) return data as T;
  if (error && typeof error === 'object' && 'code' in error) throw new GatehouseProblem(error as ProblemBody);
  throw new NetworkError(`status ${response.status}`);
}
