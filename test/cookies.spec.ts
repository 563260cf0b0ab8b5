import { createDatabase, type TestDatabase } from './support/database.js';
import { type Answer, Gatehouse } from './support/gatehouse.js';
import { freshEmail, PASSWORD, type Problem, type SignedUp, signUp, type Tokens, verdict } from './support/users.js';

/** Cookie delivery: a browser never sees its refresh token, and no other site can use it (ASVS 5.0, 3.3 and 3.5). */
const NAME = '__Host-gatehouse_refresh';
const OWN = 'https://gate.example.com';
const APP = 'https://app.example.com';
let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, PUBLIC_URL: OWN, CORS_ORIGINS: APP });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const WANTED = { 'x-token-delivery': 'cookie' };
const browser = (token: string, headers: Record<string, string> = {}) => ({
  cookie: `${NAME}=${token}`,
  origin: OWN,
  ...headers,
});

/** The one cookie of an answer: its value and its attributes, sorted. */
function setCookie({ headers }: Answer<unknown>) {
  const [cookie, ...others] = headers.getSetCookie();
  expect(others).toEqual([]);
  const [pair = '', ...attributes] = (cookie ?? '').split('; ');
  const [name, value = ''] = pair.split('=');
  return { name, value, attributes: attributes.sort() };
}
const CLEARED = { name: NAME, value: '', attributes: ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Strict', 'Secure'] };

async function signInByCookie() {
  const email = freshEmail();
  const made = await gatehouse.call<SignedUp>('POST', '/v1/auth/register', {
    body: { email, password: PASSWORD },
    headers: WANTED,
  });
  return { email, made, token: setCookie(made).value, access: made.body.accessToken };
}

const refresh = (headers: Record<string, string>, body?: unknown) =>
  gatehouse.call<Tokens & Problem>('POST', '/v1/auth/refresh', { headers, body });
const logout = (headers: Record<string, string>, token?: string) =>
  gatehouse.call<Problem>('POST', '/v1/auth/logout', { headers, token });

describe('what the browser gets', () => {
  it('is a cookie that no script reads, for the session’s idle time, and no refresh token in the body', async () => {
    const { email, made, token } = await signInByCookie();
    const signedIn = await gatehouse.call('POST', '/v1/auth/login', {
      body: { email, password: PASSWORD },
      headers: WANTED,
    });
    for (const answer of [made, signedIn, await refresh(browser(token))]) {
      const { name, value, attributes } = setCookie(answer);
      expect(name).toBe(NAME);
      expect(value).toMatch(/^grt_[\w-]{112}$/);
      expect(attributes).toEqual(['HttpOnly', 'Max-Age=2592000', 'Path=/', 'SameSite=Strict', 'Secure']);
      expect(answer.text).not.toContain('grt_');
      expect(answer.body).not.toHaveProperty('refreshToken');
      expect(answer.body).toHaveProperty('accessToken');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.getSetCookie()[0]?.length).toBeLessThan(4096);
    }
  });

  it('is for who asks: everybody else gets the body and no cookie', async () => {
    const { refreshToken, user } = await signUp(gatehouse);
    const answers = [
      await refresh({}, { refreshToken }),
      await gatehouse.call('POST', '/v1/auth/login', { body: { email: user.email, password: PASSWORD } }),
    ];
    for (const answer of answers) {
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(answer.body).toHaveProperty('refreshToken');
    }
    const other = await gatehouse.call<Problem>('POST', '/v1/auth/login', {
      body: { email: user.email, password: PASSWORD },
      headers: { 'x-token-delivery': 'local-storage' },
    });
    expect([other.status, other.body.code]).toEqual([400, 'invalid_request']);
  });

  it.each([
    ['http://localhost:3000', 'gatehouse_refresh', false],
    ['http://127.0.0.1:3000', 'gatehouse_refresh', false],
    ['http://127.0.0.2:3000', 'gatehouse_refresh', false],
    ['http://gatehouse.test', NAME, true],
    ['http://gate.example.com', NAME, true],
    ['http://localhost.example.com', NAME, true],
    ['https://localhost:3000', NAME, true],
  ])('has its name and Secure by PUBLIC_URL: %s', async (PUBLIC_URL, name, secure) => {
    const server = await Gatehouse.start({ DATABASE_URL: database.url, PUBLIC_URL });
    try {
      const body = { email: freshEmail(), password: PASSWORD };
      const cookie = setCookie(await server.call('POST', '/v1/auth/register', { body, headers: WANTED }));
      expect([cookie.name, cookie.attributes.includes('Secure')]).toEqual([name, secure]);
    } finally {
      await server.stop();
    }
  });
});

describe('refresh', () => {
  it('rotates the cookie, and gives two tabs the same successor', async () => {
    const { token } = await signInByCookie();
    const [one, two] = await Promise.all([refresh(browser(token)), refresh(browser(token), {})]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(setCookie(one).value).toBe(setCookie(two).value);
    expect(setCookie(one).value).not.toBe(token);
    expect((await refresh(browser(setCookie(one).value))).status).toBe(200);
  });

  it.each([
    ['nonsense', 'invalid_refresh_token'],
    ['', 'invalid_refresh_token'],
    [`grt_${'A'.repeat(112)}`, 'invalid_refresh_token'],
  ])(
    'leaves alone a cookie that this server did not write, as of another project on the same host: %j',
    async (value, code) => {
      const answer = await refresh(browser(value));
      expect([answer.status, answer.body.code, answer.headers.getSetCookie()]).toEqual([401, code, []]);
      expect(answer.headers.get('clear-site-data')).toBeNull();
    },
  );

  it('clears the cookie of a session that has ended', async () => {
    const { token, access } = await signInByCookie();
    await gatehouse.call('POST', '/v1/auth/logout-all', { token: access });
    const answer = await refresh(browser(token));
    expect([answer.status, answer.body.code]).toEqual([401, 'session_revoked']);
    expect(setCookie(answer)).toEqual(CLEARED);
  });

  it('keeps the cookie where its token was overtaken by a change of password in another tab', async () => {
    const { token, access } = await signInByCookie();
    const answer = await gatehouse.call('POST', '/v1/users/me/password', {
      token: access,
      headers: { ...WANTED, origin: OWN },
      body: { currentPassword: PASSWORD, newPassword: 'nine green lanterns' },
    });
    const late = await refresh(browser(token));
    expect([late.status, late.headers.getSetCookie()]).toEqual([401, []]);
    expect((await refresh(browser(setCookie(answer).value))).status).toBe(200);
  });

  it('takes one token: two cookies, or one in the body too, are refused and touch nothing', async () => {
    const { token } = await signInByCookie();
    const { refreshToken } = await signUp(gatehouse);
    const refused = [
      await refresh(browser(token, { cookie: `${NAME}=${token}; ${NAME}=${refreshToken}` })),
      await refresh(browser(token, { cookie: `${NAME}=${refreshToken}; a=b; ${NAME}=${refreshToken}` })),
      await refresh(browser(token), { refreshToken }),
      await refresh(browser(token), { refreshToken: null }),
    ];
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(Array(4).fill([400, 'invalid_request']));
    expect(await rotations(token)).toBe(0);
    expect(await rotations(refreshToken)).toBe(0);
  });

  it('reads no other cookie', async () => {
    const { token } = await signInByCookie();
    const names = [
      'gatehouse_refresh',
      'x__Host-gatehouse_refresh',
      '__host-gatehouse_refresh',
      '__Host-gatehouse_refresh2',
      // What a program takes for white space is part of a name for a browser, which then lets any subdomain set it.
      '\u00a0__Host-gatehouse_refresh',
    ];
    for (const name of names) {
      const answer = await refresh({ cookie: `${name}=${token}`, origin: OWN });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
    }
    const among = `theme=dark; ${NAME}=${token}; lang=en`;
    expect((await refresh({ cookie: among, origin: OWN })).status).toBe(200);
  });

  it('without a token anywhere says what to send', async () => {
    for (const body of [undefined, {}]) {
      const answer = await refresh({}, body);
      expect(answer.body).toMatchObject({
        status: 400,
        code: 'invalid_request',
        errors: [{ pointer: '/refreshToken' }],
      });
    }
  });
});

/** How often the session of a refresh token has been rotated. */
async function rotations(token: string): Promise<number> {
  const hex = Buffer.from(token.slice(4), 'base64url').toString('hex', 0, 16);
  const [row] = await database.query<{ counter: number }>('SELECT counter FROM sessions WHERE id = $1::uuid', [hex]);
  return row?.counter ?? -1;
}

describe('another site', () => {
  const FOREIGN: [string, Record<string, string>][] = [
    ['an origin of another site', { origin: 'https://evil.example' }],
    ['null', { origin: 'null' }],
    ['our host over http', { origin: 'http://gate.example.com' }],
    ['our host on another port', { origin: 'https://gate.example.com:8443' }],
    ['a subdomain of ours', { origin: 'https://x.gate.example.com', 'sec-fetch-site': 'same-site' }],
    ['a sibling of ours', { origin: 'https://blog.example.com', 'sec-fetch-site': 'same-site' }],
    ['a name that begins like ours', { origin: 'https://gate.example.com.evil.example' }],
    ['our origin in capitals', { origin: 'HTTPS://GATE.EXAMPLE.COM' }],
    ['two origins', { origin: `${OWN}, https://evil.example` }],
    ['Sec-Fetch-Site: cross-site, whatever the origin', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: cross-site from an allowed origin', { origin: APP, 'sec-fetch-site': 'cross-site' }],
  ];

  it.each(FOREIGN)('may neither refresh nor sign out nor in: %s', async (_what, headers) => {
    const { email, token, access } = await signInByCookie();
    const body = { email, password: PASSWORD };
    const answers = [
      await refresh(browser(token, headers)),
      await logout(browser(token, headers)),
      await logout(browser(token, headers), access),
      await gatehouse.call<Problem>('POST', '/v1/auth/login', {
        body,
        headers: { ...WANTED, origin: OWN, ...headers },
      }),
    ];
    for (const answer of answers) {
      expect([answer.status, answer.body.code]).toEqual([403, 'cross_site_request']);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(answer.headers.get('access-control-allow-origin')).not.toBe('*');
    }
    expect(await rotations(token)).toBe(0);
    expect((await gatehouse.call('GET', '/v1/auth/session', { token: access })).status).toBe(200);
  });

  it('is refused on Sec-Fetch-Site alone', async () => {
    const { token } = await signInByCookie();
    for (const site of ['cross-site', 'same-site', 'nonsense'])
      expect((await refresh({ cookie: `${NAME}=${token}`, 'sec-fetch-site': site })).status).toBe(403);
    expect(await rotations(token)).toBe(0);
  });

  it.each([
    ['our own page', { origin: OWN, 'sec-fetch-site': 'same-origin' }],
    ['an origin of CORS_ORIGINS', { origin: APP, 'sec-fetch-site': 'same-site' }],
    ['an origin alone', { origin: OWN }],
    ['Sec-Fetch-Site alone', { 'sec-fetch-site': 'same-origin' }],
    ['no browser', {}],
  ])('is not %s', async (_what, headers) => {
    const { token } = await signInByCookie();
    const answer = await refresh({ cookie: `${NAME}=${token}`, ...(headers as Record<string, string>) });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).not.toBe('*');
  });

  it('cannot do with a token in the body more than anybody', async () => {
    const { refreshToken } = await signUp(gatehouse);
    expect((await refresh({ origin: 'https://evil.example' }, { refreshToken })).status).toBe(200);
  });
});

describe('logout', () => {
  it('ends the session of the cookie alone, clears it and what the page stored', async () => {
    const { token, access } = await signInByCookie();
    const answer = await logout(browser(token));
    expect(answer.status).toBe(200);
    expect(setCookie(answer)).toEqual(CLEARED);
    expect(answer.headers.get('clear-site-data')).toBe('"storage"');
    expect((await gatehouse.call<Problem>('GET', '/v1/auth/session', { token: access })).body.code).toBe(
      'session_revoked',
    );
    expect((await refresh(browser(token))).body.code).toBe('session_revoked');
  });

  it('ends both where the access token is of another session than the cookie', async () => {
    const { token, access } = await signInByCookie();
    const other = await signUp(gatehouse);
    expect((await logout(browser(token), other.accessToken)).status).toBe(200);
    for (const dead of [access, other.accessToken])
      expect((await gatehouse.call('GET', '/v1/auth/session', { token: dead })).status).toBe(401);
  });

  it('leaves alone a cookie that this server did not write, signed in or not', async () => {
    const { accessToken } = await signUp(gatehouse);
    const answers = [await logout(browser('nonsense')), await logout(browser('nonsense'), accessToken)];
    expect(answers.map(({ status, headers }) => [status, headers.getSetCookie()])).toEqual([
      [401, []],
      [200, []],
    ]);
    expect(await verdict(gatehouse, accessToken)).toBe('session_revoked');
  });

  it('clears the cookie when it fails, and when there is none', async () => {
    const { token, access } = await signInByCookie();
    const answers = [await logout({}), await logout({ cookie: `${NAME}=${token}; ${NAME}=x`, origin: OWN })];
    expect(answers.map(({ status }) => status)).toEqual([401, 400]);
    for (const answer of answers) expect(setCookie(answer)).toEqual(CLEARED);
    const plain = await logout({}, access);
    expect([plain.status, setCookie(plain)]).toEqual([200, CLEARED]);
    expect(plain.headers.get('clear-site-data')).toBeNull();
  });
});
