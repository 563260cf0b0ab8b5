import { must, mustRefuse, Skipped } from '../outcome.js';

/** @typedef {import('../suite.js').Context} Context */

export const category = 'browser-facing protections';

const EVIL = 'https://evil.example';
const FOREIGN = [
  { origin: EVIL },
  { origin: 'null' },
  { origin: EVIL, 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'cross-site' },
];

/** Signs in as a browser does; the cookie as it is set. @param {Context} context */
async function byCookie({ target, alice }) {
  const { email, password } = alice;
  const answer = await target.call('POST', '/v1/auth/login', {
    body: { email, password },
    headers: { 'x-token-delivery': 'cookie' },
  });
  const [cookie] = answer.headers.getSetCookie();
  if (answer.status !== 200 || cookie === undefined) throw new Skipped('It delivers no tokens in cookies.');
  return { answer, cookie, pair: cookie.split(';')[0] ?? '' };
}

/** @param {Context} context */
async function attributes(context) {
  const { answer, cookie } = await byCookie(context);
  must(answer.body.refreshToken === undefined, 'A refresh token is in a cookie and in the body, for scripts to read.');
  for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/'])
    must(cookie.split('; ').includes(attribute), `The refresh cookie has no ${attribute}.`);
  must(!/;\s*domain=/i.test(cookie), 'The refresh cookie is sent to other hosts of the domain.');
  if (!context.target.isHttps) return;
  must(cookie.split('; ').includes('Secure'), 'The refresh cookie travels without TLS.');
  must(cookie.startsWith('__Host-'), 'Another host of the domain can overwrite the refresh cookie.');
}

/** @param {Context} context */
async function crossSite(context) {
  const { target } = context;
  const { answer, pair } = await byCookie(context);
  for (const path of ['/v1/auth/refresh', '/v1/auth/logout']) {
    for (const headers of FOREIGN) {
      const forged = await target.call('POST', path, { headers: /** @type {any} */ ({ ...headers, cookie: pair }) });
      mustRefuse(forged, `A page of another site (${Object.values(headers).join(', ')})`, [403]);
    }
  }
  const { status } = await target.call('GET', '/v1/auth/session', { token: answer.body.accessToken });
  must(status === 200, 'A page of another site ended the session.');
  must(
    (await target.call('POST', '/v1/auth/refresh', { headers: { cookie: pair } })).status === 200,
    'The cookie is spent.',
  );
}

/** @param {Context} context */
async function signInFromElsewhere(context) {
  const { target, alice } = context;
  const { email, password } = alice;
  await byCookie(context);
  for (const headers of FOREIGN) {
    const answer = await target.call('POST', '/v1/auth/login', {
      body: { email, password },
      headers: /** @type {any} */ ({ ...headers, 'x-token-delivery': 'cookie' }),
    });
    must(
      answer.headers.getSetCookie().length === 0,
      'A page of another site can sign a browser in to its own account.',
    );
  }
}

/** @param {Context} context */
async function cors({ target, alice }) {
  const { accessToken: token } = await alice.signIn();
  for (const origin of [EVIL, 'null', `${target.url}.evil.example`, `${new URL(target.url).protocol}//evil.example`]) {
    const preflight = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    for (const answer of [
      await target.call('GET', '/v1/users/me', { token, headers: { origin } }),
      await target.call('OPTIONS', '/v1/auth/refresh', { headers: preflight }),
    ]) {
      const allowed = answer.headers.get('access-control-allow-origin');
      must(allowed !== origin && allowed !== '*', `${answer.route} lets pages of ${origin} read its answer.`);
    }
  }
}

/** @param {Context} context */
async function caching(context) {
  const { answer } = await byCookie(context);
  const token = answer.body.accessToken;
  const answers = [answer, await context.target.call('GET', '/v1/users/me', { token })];
  for (const { route, headers } of answers)
    must(/no-store/.test(headers.get('cache-control') ?? ''), `${route} may be kept in a cache.`);
}

export const attacks = {
  'attributes of the refresh cookie': attributes,
  'refresh and logout from another site': crossSite,
  'sign-in from another site': signInFromElsewhere,
  'reading from another origin (CORS)': cors,
  'tokens and personal data in caches': caching,
};
