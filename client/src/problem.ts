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
    this.fields = Object.fromEntries((body.errors ?? []).map(({ pointer, detail }) => [fieldOf(pointer), detail]));
  }
}

/** The field of a JSON pointer (RFC 6901); for something within a field, such as one of a list, the field itself. */
function fieldOf(pointer: string): string {
  return (pointer.split('/')[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
}

/** No answer came, or none of the server's own: the network or something before the server failed. Nobody is signed out. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';

  constructor(cause: unknown) {
    super('The server cannot be reached. Check the connection and try again.', { cause });
  }
}

/** The store of an app could not be read, such as a keychain that is locked. Nobody is signed out. */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(cause: unknown) {
    super('The session cannot be read from this device just now. Try again.', { cause });
  }
}

/** An error of this package as it is; anything else that keeps an answer from coming is a network that failed. */
export function failureOf(error: unknown): Error {
  const isOwn = [GatehouseProblem, NetworkError, StoreError].some((type) => error instanceof type);
  return isOwn ? (error as Error) : new NetworkError(error);
}

/** The problem that an answer carries; null where it carries none. The answer can still be read afterwards. */
export async function problemOf(response: Response): Promise<GatehouseProblem | null> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return null;
  return new GatehouseProblem(await jsonOf<ProblemBody>(response.clone()));
}

/** The JSON of an answer. Throws a NetworkError where it is none: cut off, or a captive portal's page. */
async function jsonOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw new NetworkError(error);
  }
}

/** Why an answer is a refusal: the server's problem, or a NetworkError where something before the server refused. */
export async function refusalOf(response: Response): Promise<GatehouseProblem | NetworkError> {
  return (await problemOf(response)) ?? new NetworkError(`status ${response.status}`);
}

/** What an answer holds; throws why it is a refusal where it is one. */
export async function dataOf<T>(response: Response): Promise<T> {
  if (response.ok) return jsonOf<T>(response);
  throw await refusalOf(response);
}
