import { must, mustRefuse, Skipped } from '../outcome.js';
import { whoIs } from './rights.js';

/** @typedef {import('../suite.js').Context} Context */

export const category = 'object-level authorization';

/** @param {Context} context */
async function endSession({ target, alice, bob }) {
  const [mine, theirs] = [await alice.signIn(), await bob.signIn()];
  const answer = await target.call('DELETE', `/v1/sessions/${theirs.session.id}`, { token: mine.accessToken });
  must([403, 404].includes(answer.status), `Ending another user's session was answered ${answer.status}.`);
  const { status } = await target.call('GET', '/v1/auth/session', { token: theirs.accessToken });
  must(status === 200, "A user ended another user's session.");
}

/** @param {Context} context */
async function read({ target, alice, bob }) {
  const [mine, theirs] = [await alice.signIn(), await bob.signIn()];
  const other = await whoIs(target, theirs.accessToken);
  for (const path of ['/v1/users/me', '/v1/users/me/export', '/v1/sessions', '/v1/dashboard']) {
    const { text } = await target.call('GET', path, { token: mine.accessToken });
    for (const [what, value] of Object.entries({ email: other.email, id: other.id, session: theirs.session.id }))
      must(!text.includes(value), `GET ${path} shows another user's ${what}.`);
  }
  for (const query of [`userId=${other.id}`, `user=${other.id}`, `sub=${other.id}`]) {
    const { text } = await target.call('GET', `/v1/sessions?${query}`, { token: mine.accessToken });
    must(!text.includes(theirs.session.id), `GET /v1/sessions?${query} shows another user's sessions.`);
  }
}

/** @param {Context} context */
async function deleteWithTheirPassword({ target, alice, bob }) {
  if (!alice.isOurs) throw new Skipped('It would put an account at risk that was given.');
  const [mine, theirs] = [await alice.signIn(), await bob.signIn()];
  const body = { password: bob.password };
  const answer = await target.call('DELETE', '/v1/users/me', { token: mine.accessToken, body });
  mustRefuse(answer, "Another user's password", [400, 401, 403]);
  const { status } = await target.call('GET', '/v1/auth/session', { token: theirs.accessToken });
  must(status === 200, "Another user's session ended.");
}

export const attacks = {
  'ending a session of theirs': endSession,
  'reading what is theirs': read,
  'confirming with their password': deleteWithTheirPassword,
};
