/** The server's refusal (RFC 9457). `code` is stable; `detail` is written for people. */
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
  /** Error messages by the name of the field in the request body. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(readonly body: ProblemBody) {
    super(body.detail);
    this.code = body.code;
    this.status = body.status;
    this.fields = Object.fromEntries((body.errors ?? []).map(({ pointer, detail }) => [fieldOf(pointer), detail]));
  }
}

/** The top-level field of a JSON pointer (RFC 6901). */
function fieldOf(pointer: string): string {
  return (pointer.split('/')[1] ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
}

/** No answer came, or one that is not the server's own: the network or a proxy failed. The session goes on. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';

  constructor(cause: unknown) {
    super('The server cannot be reached. Check the connection and try again.', { cause });
  }
}

/** The store of an app could not be read, such as a locked keychain. The session goes on. */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(cause: unknown) {
    super('The session cannot be read from this device just now. Try again.', { cause });
  }
}

/** Wraps any error that is not one of this package's in a NetworkError. */
export function failureOf(error: unknown): Error {
  const isOwn = [GatehouseProblem, NetworkError, StoreError].some((type) => error instanceof type);
  return isOwn ? (error as Error) : new NetworkError(error);
}

/** Null if the answer carries no problem. Its body can still be read afterwards. */
export async function problemOf(response: Response): Promise<GatehouseProblem | null> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return null;
  return new GatehouseProblem(await jsonOf<ProblemBody>(response.clone()));
}

/** Throws a NetworkError for anything but JSON: an answer cut off, or a captive portal's page. */
async function jsonOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw new NetworkError(error);
  }
}

/** The server's problem, or a NetworkError if something between refused. */
export async function refusalOf(response: Response): Promise<GatehouseProblem | NetworkError> {
  return (await problemOf(response)) ?? new NetworkError(`status ${response.status}`);
}

/** Throws `refusalOf` an answer that is not a success. */
export async function dataOf<T>(response: Response): Promise<T> {
  if (response.ok) return jsonOf<T>(response);
  throw await refusalOf(response);
}
