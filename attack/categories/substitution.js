import { freshPassword } from '../accounts.js';
import { b64, readToken } from '../forge.js';
import { must, mustRefuse, Skipped } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */

export const category = 'token confusion';

/** Places that take a token in the body: the name of the field, and whether a password stands beside it. */
const IN_BODY = /** @type {const} */ ([
  ['/v1/auth/refresh', 'refreshToken', false],
  ['/v1/auth/logout', 'refreshToken', false],
  ['/v1/auth/email/verify', 'token', false],
  ['/v1/auth/email/undo', 'token', false],
  ['/v1/auth/password/reset', 'token', true],
  ['/v1/auth/invitations/accept', 'token', true],
]);
const COOKIES = ['__Host-gatehouse_refresh', 'gatehouse_refresh'];
const REFRESH_PLACES = ['/v1/auth/refresh', '/v1/auth/logout'];

/** The one place in which a mailed token is right. */
const OWN_PLACE = /** @type {const} */ ({
  verifyToken: '/v1/auth/email/verify',
  resetToken: '/v1/auth/password/reset',
});

/** Everything that one sign-in gives, by its kind, and what was mailed. @param {Context} context */
async function kindsOf({ target, alice }) {
  const { accessToken, refreshToken, session } = await alice.signIn();
  const claims = readToken(accessToken)?.claims ?? {};
  /** @type {Record<string, string>} */
  const kinds = { accessToken, refreshToken, sessionId: session.id };
  if (typeof claims.jti === 'string') kinds.tokenId = claims.jti;
  if (typeof claims.sub === 'string') kinds.userId = claims.sub;
  Object.assign(kinds, await mailedTo(alice, target));
  const stillGood = async () => (await target.call('GET', '/v1/auth/session', { token: accessToken })).status === 200;
  if (!(await stillGood())) throw new Skipped('It does not take its own access token.');
  return { kinds, stillGood };
}

/**
 * The tokens of an account's mails, where a development outbox shows them. Of accounts that the run has made only: the mails
 * of others are theirs.
 * @param {import('../accounts.js').Account} account @param {import('../target.js').Target} target
 * @returns {Promise<Record<string, string>>}
 */
async function mailedTo({ email, isOurs }, target) {
  if (!isOurs) return {};
  const read = async () =>
    tokensIn(await target.call('GET', '/dev/outbox', { headers: { accept: 'application/json' } }), email);
  const found = await read();
  if (Object.keys(found).length === 0 || found.resetToken) return found;
  await target.call('POST', '/v1/auth/password/forgot', { body: { email } });
  return read();
}

/** @param {import('../target.js').Answer} answer @param {string} email @returns {Record<string, string>} */
function tokensIn({ status, body }, email) {
  if (status !== 200 || !Array.isArray(body.items)) return {};
  const mails = body.items.filter((/** @type {any} */ mail) => mail?.to === email && typeof mail.token === 'string');
  /** @type {Record<string, string>} */
  const tokens = {};
  for (const { text, token } of mails) {
    if (String(text).includes('/verify-email')) tokens.verifyToken ??= token;
    if (String(text).includes('/reset-password')) tokens.resetToken ??= token;
  }
  return tokens;
}

/** @param {Context} context */
async function asBearer(context) {
  const { kinds, stillGood } = await kindsOf(context);
  const { accessToken, ...others } = kinds;
  for (const [kind, token] of Object.entries(others)) {
    for (const path of ['/v1/auth/session', '/v1/users/me'])
      mustRefuse(await context.target.call('GET', path, { token }), `The ${kind} as an access token`);
  }
  for (const headers of [{ 'x-access-token': accessToken }, { cookie: `access_token=${accessToken}` }]) {
    const answer = await context.target.call('GET', '/v1/auth/session', { headers: /** @type {any} */ (headers) });
    mustRefuse(answer, `The access token in the header ${Object.keys(headers)}`);
  }
  const inQuery = await context.target.call('GET', `/v1/auth/session?access_token=${accessToken}`);
  mustRefuse(inQuery, 'The access token in the query');
  must(await stillGood(), 'The session ended when its tokens were sent to places that are not theirs.');
}

/** @param {Context} context */
async function inBodies(context) {
  const { kinds, stillGood } = await kindsOf(context);
  const missing = new Set();
  for (const [path, field, withPassword] of IN_BODY) {
    for (const [kind, token] of Object.entries(kinds)) {
      if (field === kind || OWN_PLACE[/** @type {keyof typeof OWN_PLACE} */ (kind)] === path) continue;
      const rest = withPassword ? { password: freshPassword() } : {};
      const answer = await context.target.call('POST', path, { body: { [field]: token, ...rest } });
      if (answer.status === 404) missing.add(path);
      else mustRefuse(answer, `The ${kind} as ${field}`);
    }
  }
  must(await stillGood(), 'The session ended when its tokens were sent to places that are not theirs.');
  // A route that was renamed would otherwise count as one that refuses.
  if (missing.size > 0) throw new Skipped(`Not there, so not tried: ${[...missing].join(', ')}.`);
}

/** @param {Context} context */
async function asCookie(context) {
  const { kinds, stillGood } = await kindsOf(context);
  for (const name of COOKIES) {
    for (const [kind, token] of Object.entries(kinds)) {
      if (kind === 'refreshToken') continue;
      for (const path of REFRESH_PLACES) {
        const answer = await context.target.call('POST', path, { headers: { cookie: `${name}=${token}` } });
        mustRefuse(answer, `The ${kind} in the cookie ${name}`);
      }
    }
  }
  must(await stillGood(), 'The session ended when its tokens were sent to places that are not theirs.');
}

/** @param {Context} context */
async function asIdentity(context) {
  const { kinds } = await kindsOf(context);
  for (const header of ['x-user-id', 'x-forwarded-user', 'x-remote-user', 'x-auth-user']) {
    const headers = { [header]: String(kinds.userId ?? context.alice.email) };
    mustRefuse(await context.target.call('GET', '/v1/users/me', { headers }), `The user in ${header}`);
  }
  const basic = `Basic ${b64(`${context.alice.email}:${context.alice.password}`)}`;
  const answer = await context.target.call('GET', '/v1/users/me', { headers: { authorization: basic } });
  mustRefuse(answer, 'The password as Basic authentication');
}

export const attacks = {
  'every other kind as an access token': asBearer,
  'every other kind in a body': inBodies,
  'every other kind in the refresh cookie': asCookie,
  'headers that claim an identity': asIdentity,
};
