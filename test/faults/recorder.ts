import { decodeJwt } from 'jose';
import type { Answer, CallOptions } from '../support/gatehouse.js';
import type { Problem, Tokens } from '../support/users.js';
import type { Call, Claims, History, Operation, Outcome } from './history/history.js';
import type { Instance } from './world.js';

/** Milliseconds after which a client gives up waiting, as a client does. */
const PATIENCE = 20_000;

/** What an operation is besides what every one is. */
type Told<O extends Operation> = Omit<O, keyof Call>;

export interface Reply {
  call: Call;
  body: Partial<Tokens & Problem> & { user?: { id: string }; details?: Record<string, { status: string }> };
}

/** Sends what clients send, and writes down when it began, when it ended and what came of it. */
export class Recorder {
  readonly history: History = { operations: [], faults: [] };
  private readonly origin = performance.now();
  private sent = 0;

  constructor(private readonly instances: readonly Instance[]) {}

  /** Milliseconds since the history began. */
  now(): number {
    return performance.now() - this.origin;
  }

  async send(instance: number, method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const requestId = `fault-run-${++this.sent}-${method.toLowerCase()}`;
    const start = this.now();
    const answer = await this.answerOf(instance, method, path, {
      ...options,
      headers: { 'x-request-id': requestId, ...options.headers },
    });
    const end = this.now();
    if (typeof answer === 'string')
      return { call: { start, end, instance, outcome: 'unknown', code: answer, requestId }, body: {} };
    const { status, body } = answer;
    const outcome = outcomeOf(status);
    const code = outcome === 'ok' ? '' : (body.code ?? String(status));
    return { call: { start, end, instance, outcome, code, requestId }, body };
  }

  record<O extends Operation>(call: Call, operation: Told<O>): void {
    this.history.operations.push({ ...call, ...operation } as unknown as O);
  }

  /** The answer, or why there is none. */
  private async answerOf(
    instance: number,
    method: string,
    path: string,
    options: CallOptions,
  ): Promise<Answer<Reply['body']> | string> {
    const { process } = this.instances[instance] ?? {};
    if (!process) return 'no answer: the instance is down';
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, 'no answer: it took too long');
    });
    const given = process.call<Reply['body']>(method, path, options);
    const answer = await Promise.race([given, late]).catch((error) => `no answer: ${error.cause ?? error}`);
    clearTimeout(timer);
    return answer;
  }
}

function outcomeOf(status: number): Outcome {
  if (status >= 500) return 'unknown';
  return status < 300 ? 'ok' : 'fail';
}

/** What an access token says; nothing where there is none. */
export function claimsOf(accessToken: string | undefined): Claims {
  if (accessToken === undefined) return { ver: 0, roles: [] };
  const { ver, roles } = decodeJwt<Claims>(accessToken);
  return { ver, roles };
}
