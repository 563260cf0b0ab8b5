import { setTimeout as pause } from 'node:timers/promises';
import type { Check, Claims, Refresh } from './history/history.js';
import { claimsOf, type Recorder, type Reply } from './recorder.js';

/** A session as its client holds it. */
export interface HeldSession {
  id: string;
  user: string;
  accessToken: string;
  refreshToken: string;
  claims: Claims;
  /** The refresh tokens that were exchanged, oldest first. */
  spent: string[];
}

/** Milliseconds between two questions about a session that was ended, and for how long they are asked. */
const BETWEEN = 100;
const LONG = 8_000;

/** Asks who is signed in; returns the code of a refusal. */
export async function ask(recorder: Recorder, session: HeldSession, instance: number): Promise<string> {
  const { id, user, claims, accessToken } = session;
  const { call } = await recorder.send(instance, 'GET', '/v1/auth/session', { token: accessToken });
  recorder.record<Check>(call, { kind: 'check', user, session: id, claims });
  return call.code;
}

/** Exchanges the refresh token of a session, or the one that is given, which was spent long ago. */
export async function exchange(
  recorder: Recorder,
  session: HeldSession,
  instance: number,
  key: string | undefined,
  spentToken?: string,
): Promise<Reply> {
  const presented = spentToken ?? session.refreshToken;
  const headers = key === undefined ? undefined : { 'idempotency-key': key };
  const reply = await recorder.send(instance, 'POST', '/v1/auth/refresh', {
    body: { refreshToken: presented },
    headers,
  });
  recorder.record<Refresh>(reply.call, {
    kind: 'refresh',
    user: session.user,
    session: session.id,
    presented,
    successor: reply.body.refreshToken ?? '',
    claims: claimsOf(reply.body.accessToken),
    spent: spentToken !== undefined,
  });
  return reply;
}

/** Keeps the tokens that a refresh brought in place of those it spent. */
export function adopt(session: HeldSession, { accessToken = '', refreshToken = '' }: Reply['body']): void {
  session.spent.push(session.refreshToken);
  session.accessToken = accessToken;
  session.refreshToken = refreshToken;
  session.claims = claimsOf(accessToken);
}

/** Goes on asking every instance with the access token of a session that was ended, until each has refused it. */
export class Watch {
  private readonly watched: Promise<unknown>[] = [];

  constructor(private readonly recorder: Recorder) {}

  until(session: HeldSession): void {
    for (const instance of [0, 1]) this.watched.push(this.follow({ ...session }, instance));
  }

  /** Resolves when nobody asks any more. */
  async over(): Promise<void> {
    await Promise.all(this.watched);
  }

  private async follow(session: HeldSession, instance: number): Promise<void> {
    const last = this.recorder.now() + LONG;
    while (this.recorder.now() < last) {
      const code = await ask(this.recorder, session, instance);
      if (code === 'session_revoked') return;
      await pause(BETWEEN);
    }
  }
}
