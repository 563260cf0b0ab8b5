import { randomUUID } from 'node:crypto';
import { freshEmail, freshPassword } from '../accounts.js';
import { must, mustRefuse, Skipped, Vulnerable } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */
/** @typedef {import('../accounts.js').Account} Account */

export const category = 'function-level authorization and mass assignment';

/**
 * What only administrators may do, with bodies that are good, so that rights alone refuse.
 * @param {string} self @param {string} other
 * @returns {[method: string, path: string, body?: unknown][]}
 */
const adminRoutes = (self, other) => [
  ['GET', '/v1/users'],
  ['GET', `/v1/users/${other}`],
  ['GET', `/v1/users/${other}/sessions`],
  ['GET', '/v1/roles'],
  ['GET', '/v1/audit'],
  ['GET', '/v1/dashboard/stats'],
  ['POST', '/v1/users', { email: freshEmail(), password: freshPassword() }],
  ['PUT', `/v1/users/${self}/roles`, { roles: ['admin'] }],
  ['PUT', '/v1/roles/user', { permissions: ['users:read'] }],
  ['PUT', '/v1/roles/attack', { permissions: [] }],
  ['DELETE', '/v1/roles/attack'],
  ['PATCH', `/v1/users/${other}`, { name: 'Changed' }],
  ['DELETE', `/v1/users/${other}/sessions`],
  ['DELETE', `/v1/users/${other}`],
];

/** @param {Context} context */
async function adminRoutesAsUser(context) {
  const { target } = context;
  const { token, me, other } = await ordinary(context);
  let tried = 0;
  for (const [method, path, body] of adminRoutes(me.id, other)) {
    // Nobody in particular is refused before a thing is looked for, so a 404 says that the route itself is not there.
    const anonymous = await target.call(method, path, { body });
    if (isMissing(anonymous)) continue;
    mustRefuse(anonymous, 'Nobody in particular', [401]);
    const answer = await target.call(method, path, { token, body });
    if (isMissing(answer)) throw new Vulnerable(`${answer.route} lets an ordinary user look for what is not there.`);
    mustRefuse(answer, 'An ordinary user', [403]);
    tried++;
  }
  if (tried === 0) throw new Skipped('None of the routes of the administration is there.');
  await mustBeUnchanged(context, token, me);
}

/** @param {import('../target.js').Answer} answer */
const isMissing = ({ status }) => status === 404 || status === 405;

/** @param {Context} context */
async function headersThatOverride(context) {
  const { target } = context;
  const { token } = await ordinary(context);
  for (const headers of [
    { 'x-original-url': '/v1/users', 'x-rewrite-url': '/v1/users' },
    { 'x-user-role': 'admin', 'x-roles': 'admin' },
    { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1' },
  ])
    mustRefuse(
      await target.call('GET', '/v1/users', { token, headers: /** @type {any} */ (headers) }),
      'A header',
      [403],
    );
  const overridden = await target.call('POST', '/v1/users/me', {
    token,
    headers: { 'x-http-method-override': 'DELETE' },
    body: {},
  });
  must(overridden.status >= 400, 'X-HTTP-Method-Override turns one method into another.');
}

/** Fields that are not a user's to set. */
const NOT_THEIRS = {
  roles: ['admin'],
  role: 'admin',
  isAdmin: true,
  permissions: ['users:write'],
  emailVerified: true,
  status: 'active',
  ver: 0,
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  createdAt: '2000-01-01T00:00:00.000Z',
};

/** @param {Context} context */
async function fieldsOfMe(context) {
  const { target } = context;
  const { token, me } = await ordinary(context);
  for (const [field, value] of Object.entries(NOT_THEIRS)) {
    const { status } = await target.call('PATCH', '/v1/users/me', { token, body: { name: me.name, [field]: value } });
    if (status === 404 || status === 405) throw new Skipped('There is no PATCH /v1/users/me here.');
    await mustBeUnchanged(context, token, me);
  }
}

/** One field at a time: a server that refuses one of them says nothing about the others. @param {Context} context */
async function fieldsOfSignUp(context) {
  for (const [field, value] of Object.entries(NOT_THEIRS)) await signUpWith(field, value, context);
}

/** @param {string} field @param {unknown} value @param {Context} context */
async function signUpWith(field, value, { target, made }) {
  const [email, password] = [freshEmail(), freshPassword()];
  const { status, body } = await target.call('POST', '/v1/auth/register', {
    body: { email, password, [field]: value },
  });
  if (body.code === 'signup_closed' || status === 404) throw new Skipped('Signing up is closed.');
  if (status === 202) throw new Skipped('Signing up needs an email to be confirmed, so nobody sees what came of it.');
  if (status !== 201) return;
  made(email, password);
  if (!body.user) throw new Skipped('Signing up does not tell what came of it.');
  const { roles = [], emailVerified = false, id, createdAt } = body.user;
  must(!roles.includes('admin'), `Signing up with ${field} makes an administrator.`);
  must(emailVerified === false, `Signing up with ${field} verifies the address.`);
  must(id !== NOT_THEIRS.id, 'A new user can choose their id.');
  must(createdAt !== NOT_THEIRS.createdAt, 'A new user can choose when the account was created.');
}

/** An ordinary user signed in, and the id of another. @param {Context} context */
async function ordinary(context) {
  const { target, alice, bob } = context;
  const { accessToken: token } = await alice.signIn();
  const me = await whoIs(target, token);
  if (me.roles?.includes('admin')) throw new Skipped('The first account is an administrator.');
  // Where the guard fails, what is done to the other account is done: an account that was given is not put at risk.
  const other = bob.isOurs ? (await whoIs(target, (await bob.signIn()).accessToken)).id : randomUUID();
  return { token, me, other };
}

/** @param {import('../target.js').Target} target @param {string} token */
export async function whoIs(target, token) {
  const { status, body } = await target.call('GET', '/v1/users/me', { token });
  if (status !== 200) throw new Skipped(`GET /v1/users/me was answered ${status}.`);
  return body;
}

/** @param {Context} context @param {string} token @param {Record<string, unknown>} before */
async function mustBeUnchanged({ target }, token, before) {
  const now = await whoIs(target, token);
  for (const field of ['id', 'roles', 'status', 'emailVerified', 'createdAt', 'email'])
    must(JSON.stringify(now[field]) === JSON.stringify(before[field]), `A user changed their own ${field}.`);
}

export const attacks = {
  'administration as an ordinary user, and as nobody': adminRoutesAsUser,
  'headers that override route, method or role': headersThatOverride,
  'mass assignment to oneself': fieldsOfMe,
  'mass assignment at sign-up': fieldsOfSignUp,
};
