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
    const outcome = outcomeOf(answer?.status);
    const code = outcome === 'ok' ? '' : (answer?.body.code ?? (answer ? String(answer.status) : 'no answer'));
    return { call: { start, end: this.now(), instance, outcome, code, requestId }, body: answer?.body ?? {} };
  }

  record<O extends Operation>(call: Call, operation: Told<O>): void {
    this.history.operations.push({ ...call, ...operation } as unknown as O);
  }

  private async answerOf(instance: number, method: string, path: string, options: CallOptions) {
    const given = this.instances[instance]?.process?.call<Reply['body']>(method, path, options);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, PATIENCE, undefined);
    });
    const answer: Answer<Reply['body']> | undefined = await Promise.race([given, late]).catch(() => undefined);
    clearTimeout(timer);
    return answer;
  }
}

function outcomeOf(status: number | undefined): Outcome {
  if (status === undefined || status >= 500) return 'unknown';
  return status < 300 ? 'ok' : 'fail';
}

/** What an access token says; nothing where there is none. */
export function claimsOf(accessToken: string | undefined): Claims {
  if (accessToken === undefined) return { ver: 0, roles: [] };
  const { ver, roles } = decodeJwt<Claims>(accessToken);
  return { ver, roles };
}
