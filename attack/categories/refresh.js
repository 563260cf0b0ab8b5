import { must, mustRefuse, Skipped } from '../outcome.js';
import { mustBeDead } from './ended-sessions.js';

/** @typedef {import('../suite.js').Context} Context */

export const category = 'refresh token replay';

/** Refreshes that are sent at once. */
const AT_ONCE = 20;

/** A thief and the owner both use a token: the session ends for both (RFC 9700, 4.14.2). @param {Context} context */
async function replay(context) {
  const { target, alice } = context;
  const first = await alice.signIn();
  const second = await successor(target, first.refreshToken);
  const third = await successor(target, second.refreshToken);
  mustRefuse(await refresh(target, first.refreshToken), 'A refresh token that was replaced twice', [401]);
  await mustBeDead(context, third, 'after an old refresh token of its session was replayed');
}

/** @param {Context} context */
async function parallel({ target, alice }) {
  const { refreshToken } = await alice.signIn();
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => refresh(target, refreshToken)));
  const successors = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.refreshToken));
  must(successors.size <= 1, `${AT_ONCE} refreshes at once gave ${successors.size} successors that all live on.`);
  const refused = answers.filter(({ status }) => status !== 200).length;
  must(refused === 0, `${refused} of ${AT_ONCE} refreshes at once were refused: a second tab is signed out.`);
  const [one] = successors;
  must(one !== refreshToken, 'The refresh token is not replaced when it is used.');
  must((await refresh(target, String(one))).status === 200, 'The one successor is not taken.');
}

/** @param {Context} context */
async function tampering({ target, alice }) {
  const { refreshToken } = await alice.signIn();
  const at = [0, 0.25, 0.5, 0.75, 0.99].map((share) => Math.floor(share * refreshToken.length));
  const changed = at.map(
    (index) => refreshToken.slice(0, index) + other(refreshToken[index]) + refreshToken.slice(index + 1),
  );
  for (const token of [...changed, refreshToken.slice(0, -1), `${refreshToken}A`, `${refreshToken}=`, ''])
    mustRefuse(await refresh(target, token), 'A changed refresh token', [400, 401]);
  must(
    (await refresh(target, refreshToken)).status === 200,
    'Changed refresh tokens end the session of the genuine one.',
  );
}

/** @param {string | undefined} character */
const other = (character) => (character === 'B' ? 'C' : 'B');

/** @param {import('../target.js').Target} target @param {string} refreshToken */
const refresh = (target, refreshToken) => target.call('POST', '/v1/auth/refresh', { body: { refreshToken } });

/** @param {import('../target.js').Target} target @param {string} refreshToken */
async function successor(target, refreshToken) {
  const { status, body } = await refresh(target, refreshToken);
  if (status !== 200) throw new Skipped(`Refreshing was answered ${status} ${body.code ?? ''}.`);
  return body;
}

export const attacks = {
  'replay of an old one': replay,
  'many uses at once': parallel,
  'changed ones': tampering,
};
