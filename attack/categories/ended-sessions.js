import { setTimeout as pause } from 'node:timers/promises';
import { freshPassword } from '../accounts.js';
import { must, mustRefuse, Skipped } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */
/** @typedef {import('../accounts.js').Session} Session */

export const category = 'session termination';

/** Instances must have heard of the end of a session by then, ms. */
const HEARD = 1_000;

/** @param {Context} context */
async function logout(context) {
  const { target, alice } = context;
  const session = await alice.signIn();
  await must200(target, 'POST', '/v1/auth/logout', session);
  await mustBeDead(context, session, 'after logout');
}

/** @param {Context} context */
async function logoutWithRefreshToken(context) {
  const { target, alice } = context;
  const session = await alice.signIn();
  const { status } = await target.call('POST', '/v1/auth/logout', { body: { refreshToken: session.refreshToken } });
  if (status !== 200) throw new Skipped(`Logging out by the refresh token alone was answered ${status}.`);
  await mustBeDead(context, session, 'after logout by the refresh token');
}

/** @param {Context} context */
async function logoutEverywhere(context) {
  const { target, alice } = context;
  const [one, two] = [await alice.signIn(), await alice.signIn()];
  await must200(target, 'POST', '/v1/auth/logout-all', one);
  for (const session of [one, two]) await mustBeDead(context, session, 'after logout everywhere');
}

/** @param {Context} context */
async function passwordChange(context) {
  const { target, alice } = context;
  if (!alice.isOurs) throw new Skipped('It would change the password of an account that was given.');
  const [stolen, owner] = [await alice.signIn(), await alice.signIn()];
  const newPassword = freshPassword();
  await must200(target, 'POST', '/v1/users/me/password', owner, { currentPassword: alice.password, newPassword });
  const formerPassword = alice.password;
  alice.password = newPassword;
  await mustBeDead(context, stolen, 'after a password change');
  const body = { email: alice.email, password: formerPassword };
  mustRefuse(await target.call('POST', '/v1/auth/login', { body }), 'The former password', [401]);
}

/**
 * @param {import('../target.js').Target} target
 * @param {string} method
 * @param {string} path
 * @param {Session} session
 * @param {unknown} [body]
 */
async function must200(target, method, path, { accessToken }, body) {
  const { route, status } = await target.call(method, path, { token: accessToken, body });
  if (status !== 200) throw new Skipped(`${route} was answered ${status}.`);
}

/** @param {Context} context @param {Session} session @param {string} when */
export async function mustBeDead({ target }, { accessToken, refreshToken }, when) {
  const end = Date.now() + HEARD;
  const use = () => target.call('GET', '/v1/auth/session', { token: accessToken });
  let answer = await use();
  while (answer.status === 200 && Date.now() < end) {
    await pause(100);
    answer = await use();
  }
  mustRefuse(answer, `The access token ${when}`, [401]);
  const own = await target.call('GET', '/v1/users/me', { token: accessToken });
  mustRefuse(own, `The access token ${when}`, [401, 404]);
  const next = await target.call('POST', '/v1/auth/refresh', { body: { refreshToken } });
  mustRefuse(next, `The refresh token ${when}`, [401]);
  must(next.body.accessToken === undefined, `A refusal ${when} holds an access token.`);
}

export const attacks = {
  'use after logout': logout,
  'use after logout by the refresh token': logoutWithRefreshToken,
  'use after logout everywhere': logoutEverywhere,
  'use after a password change': passwordChange,
};
