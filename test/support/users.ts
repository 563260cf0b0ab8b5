import { randomBytes } from 'node:crypto';
import type { Api } from './gatehouse.js';

export const PASSWORD = 'violet tractor under snow';

export interface Problem {
  code: string;
  status: number;
  detail: string;
  requestId: string;
  errors?: { pointer: string; detail: string }[];
}

export interface Tokens {
  accessToken: string;
  tokenType: string;
  expiresIn: number;
  refreshToken: string;
  session: { id: string; expiresAt: string };
}

export interface User {
  id: string;
  username: string | null;
  email: string;
  emailVerified: boolean;
  name: string | null;
  roles: string[];
  status: string;
  createdAt: string;
  updatedAt: string;
  lastLoginAt: string | null;
}

export type SignedUp = { user: User } & Tokens;

/** An email that nobody else in the run has. */
export function freshEmail(): string {
  return `p${randomBytes(8).toString('hex')}@example.com`;
}

/** Signs up somebody new. Throws with the answer where that fails. */
export async function signUp(gatehouse: Api, form: Record<string, unknown> = {}): Promise<SignedUp> {
  const body = { email: freshEmail(), password: PASSWORD, ...form };
  const answer = await gatehouse.call<SignedUp>('POST', '/v1/auth/register', { body });
  if (answer.status !== 201) throw new Error(`sign-up: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** Signs in. Throws with the answer where that fails. */
export async function signIn(gatehouse: Api, email: string, password = PASSWORD): Promise<SignedUp> {
  const answer = await gatehouse.call<SignedUp>('POST', '/v1/auth/login', { body: { email, password } });
  if (answer.status !== 200) throw new Error(`sign-in: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** The code of the problem that a request is refused with, or `ok` where it is not. */
export async function verdict(gatehouse: Api, token: string, path = '/v1/auth/session'): Promise<string> {
  const { status, body } = await gatehouse.call<Problem>('GET', path, { token });
  return status === 200 ? 'ok' : body.code;
}

/** Exchanges a refresh token; `code` is `ok` where that went well. */
export async function refresh(gatehouse: Api, refreshToken: string) {
  const answer = await gatehouse.call<Tokens & Problem>('POST', '/v1/auth/refresh', { body: { refreshToken } });
  return { ...answer, code: answer.status === 200 ? 'ok' : answer.body.code };
}
