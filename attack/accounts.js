import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Skipped } from './outcome.js';

/** @typedef {import('./target.js').Target} Target */
/** @typedef {{ accessToken: string, refreshToken: string, session: { id: string } }} Session */

/** The suite cannot begin. The message says what to do. */
export class CannotBegin extends Error {}

/** The longest Retry-After that cleaning up waits for, seconds: requests are limited by the minute. */
const LONGEST_WAIT = 60;

/** An address without a mailbox (RFC 2606). */
export function freshEmail() {
  return `attack-${randomBytes(8).toString('hex')}@example.com`;
}

/** A password that is guessed for the first time. */
export function freshPassword() {
  return randomBytes(18).toString('base64url');
}

/** An account that the attacks are made with. */
export class Account {
  /** @param {Target} target @param {string} email @param {string} password @param {boolean} isOurs Made by this run. */
  constructor(target, email, password, isOurs) {
    this.target = target;
    this.email = email;
    this.password = password;
    this.isOurs = isOurs;
  }

  /**
   * A session of its own, so that no attack spoils another's.
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Session>}
   */
  async signIn(headers = {}) {
    const { status, body } = await this.#login(headers);
    if (status !== 200) throw new Skipped(`Signing in was answered ${status} ${body.code ?? ''}.`);
    return body;
  }

  /** Makes sure that the account can be used. Throws CannotBegin. */
  async check() {
    const { status, body } = await this.#login({});
    if (status === 200) return;
    const why = body.code === 'mfa_required' ? 'it has a second factor' : `${status} ${body.code ?? ''}`;
    throw new CannotBegin(`Cannot sign in as ${this.email}: ${why}. Give accounts with a password only.`);
  }

  /** Removes an account that this run has made. Answers whether it is gone. */
  async remove() {
    const session = await this.#retryWhenLimited((limited) => this.#login({}, limited));
    if (session.status !== 200) return false;
    const gone = await this.#retryWhenLimited((limited) =>
      this.target.call('DELETE', '/v1/users/me', {
        token: session.body.accessToken,
        body: { password: this.password },
        limited,
      }),
    );
    return gone.status === 204;
  }

  /** @param {Record<string, string>} headers */
  #login(headers, limited = false) {
    const body = { email: this.email, password: this.password };
    return this.target.call('POST', '/v1/auth/login', { body, headers, limited });
  }

  /** Tries once more when the pause that a limit asks for is over. @param {(limited: boolean) => Promise<import('./target.js').Answer>} send */
  async #retryWhenLimited(send) {
    const answer = await send(true);
    const seconds = Number(answer.headers.get('retry-after'));
    if (answer.status !== 429 || !(seconds <= LONGEST_WAIT)) return answer;
    await pause(seconds * 1000);
    return send(true);
  }
}

/**
 * Makes a throw-away account by registering. Throws CannotBegin where registration is not open.
 * @param {Target} target
 */
export async function register(target) {
  const [email, password] = [freshEmail(), freshPassword()];
  const { status, body } = await target.call('POST', '/v1/auth/register', { body: { email, password } });
  if (status === 201) return new Account(target, email, password, true);
  const instead = 'Give two accounts: --account email:password --account email:password';
  if (status === 202) throw new CannotBegin(`Signing up there needs an email to be confirmed. ${instead}`);
  if (body.code === 'signup_closed') throw new CannotBegin(`Signing up is closed there. ${instead}`);
  throw new CannotBegin(`Signing up was answered ${status} ${body.code ?? ''}. ${instead}`);
}
