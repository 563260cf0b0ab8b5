/** What the server says when it refuses (RFC 9457). `code` is stable; `detail` is written for people. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  errors?: { pointer: string; detail: string }[];
  [extension: string]: unknown;
}

/** The server has understood the request and refuses it. */
export class GatehouseProblem extends Error {
  override readonly name = 'GatehouseProblem';
  readonly code: string;
  readonly status: number;
  /** What is wrong with each field of the body, by the field's name. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(readonly body: ProblemBody) {
    super(body.detail);
    this.code = body.code;
    this.status = body.status;
    this.fields = Object.fromEntries((body.errors ?? []).map(({ pointer, detail }) => [pointer.slice(1), detail]));
  }
}

/** No answer came, or none of the server's own: the network or something before the server failed. Nobody is signed out. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';

  constructor(cause: unknown) {
    super('The server cannot be reached. Check the connection and try again.', { cause });
  }
}

/** The problem that an answer carries; null where it carries none. The answer can still be read afterwards. */
export async function problemOf(response: Response): Promise<GatehouseProblem | null> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return null;
  return new GatehouseProblem((await response.clone().json()) as ProblemBody);
}
