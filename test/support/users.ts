import { randomBytes } from 'node:crypto';
import type { TestDatabase } from './database.js';
import type { Api } from './gatehouse.js';
import type { Schemas } from './schemas.js';
import { served } from './served.js';

export const PASSWORD = 'violet tractor under snow';

/** Without its status, which stands in the answer too: many answers are read as a problem and as what is asked for. */
export type Problem = Omit<Schemas['Problem'], 'status'>;

export type User = Schemas['User'];

/** As JSON brings them: with a refresh token, which cookie delivery leaves out. */
export type Tokens = Schemas['Tokens'] & { refreshToken: string };

export type SignedUp = Schemas['SignedUp'] & Tokens;

/** An address that no other account of the run has. */
export function freshEmail(): string {
  return `p${randomBytes(8).toString('hex')}@example.com`;
}

/**
 * Registers a new account, asking again where the server is too busy for it: with another address, for the first may have been
 * taken. Throws with the answer where that fails.
 */
export async function signUp(gatehouse: Api, form: Record<string, unknown> = {}): Promise<SignedUp> {
  const answer = await served(() => {
    const body = { email: freshEmail(), password: PASSWORD, ...form };
    return gatehouse.call<SignedUp>('POST', '/v1/auth/register', { body });
  });
  if (answer.status !== 201) throw new Error(`sign-up: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** Signs in, asking again where the server is too busy for it. Throws with the answer where that fails. */
export async function signIn(gatehouse: Api, email: string, password = PASSWORD): Promise<SignedUp> {
  const body = { email, password };
  const answer = await served(() => gatehouse.call<SignedUp>('POST', '/v1/auth/login', { body }));
  if (answer.status !== 200) throw new Error(`sign-in: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** The code of the problem that a request is refused with, or `ok` where it is not. */
export async function verdict(gatehouse: Api, token: string, path = '/v1/auth/session'): Promise<string> {
  const { status, body } = await gatehouse.call<Problem>('GET', path, { token });
  return status === 200 ? 'ok' : body.code;
}

/** Exchanges a refresh token, with an Idempotency-Key where one is given; `code` is `ok` where that went well. */
export async function refresh(gatehouse: Api, refreshToken: string, key?: string) {
  const headers = key === undefined ? undefined : { 'idempotency-key': key };
  const answer = await gatehouse.call<Tokens & Problem>('POST', '/v1/auth/refresh', {
    body: { refreshToken },
    headers,
  });
  return { ...answer, code: answer.status === 200 ? 'ok' : answer.body.code };
}

/** Everything that the row of a session says, as one text: equal where nothing of it was touched. */
export async function wholeSession(database: TestDatabase, sessionId: string): Promise<string | undefined> {
  const [found] = await database.query<{ row: string }>('SELECT sessions::text AS row FROM sessions WHERE id = $1', [
    sessionId,
  ]);
  return found?.row;
}
