import { type BadToken, refuseAll } from '../support/forge.js';

/**
 * Claims of a token that the genuine key did sign: RFC 9068, 2.2 and 4, RFC 7519, 4.1, RFC 8725, 3.8 to 3.12;
 * ASVS 5.0 V9.2.1 (times), V9.2.3 (audience); CVE-2026-55669 (aud not checked).
 */

const now = () => Math.floor(Date.now() / 1000);
const ADDED = ['client_id', 'auth_time', 'amr', 'acr'];
const REQUIRED = ['iss', 'aud', 'sub', 'sid', 'jti', 'iat', 'exp', 'roles', 'ver', 'username', ...ADDED];
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

const missing: BadToken[] = REQUIRED.map((claim) => [`no ${claim}`, (f) => f.withClaims({ [claim]: undefined })]);
const absent: BadToken[] = REQUIRED.filter((claim) => claim !== 'username').map((claim) => [
  `${claim} null`,
  (f) => f.withClaims({ [claim]: null }),
]);

/** Values of the wrong type or beyond the bounds of each claim. */
const WRONG: Record<string, unknown[]> = {
  iss: [
    '',
    'http://gatehouse.test/',
    'HTTP://GATEHOUSE.TEST',
    'https://gatehouse.test',
    'http://gatehouse.test.evil.example',
    'http://gatehouse.tes',
    ' http://gatehouse.test',
    1,
    true,
    ['http://gatehouse.test'],
    {},
  ],
  aud: [
    '',
    'Gatehouse',
    'gatehouse ',
    'gate',
    'gatehouse-admin',
    '*',
    1,
    true,
    {},
    { 0: 'gatehouse' },
    [],
    ['gatehouse'],
    ['other', 'gatehouse'],
    ['other'],
  ],
  sub: ['', 'ada', '1', 1, `${ID}\u0000`, ` ${ID}`, `${ID}' OR 1=1 --`, [ID], {}, true],
  sid: ['', 'x', 1, `${ID}0`, `{${ID}}`, ID.replaceAll('-', ''), [ID], {}, true],
  jti: ['', 1, [], {}, 'j'.repeat(65)],
  iat: ['1', 1.5, -1, true, [], {}, 1e12, '2026-01-01T00:00:00Z'],
  exp: ['9999999999', -1, 0, true, [], {}, 1e12, 1e300, '2099-01-01T00:00:00Z'],
  roles: [
    'admin',
    {},
    [1],
    [null],
    [['admin']],
    { 0: 'admin', length: 1 },
    1,
    true,
    Array.from({ length: 257 }, () => 'a'),
    ['r'.repeat(65)],
  ],
  ver: [0, -1, 1.5, '1', true, [], {}, 1e20],
  username: [1, true, [], {}, 'u'.repeat(65)],
  client_id: ['', 'Gatehouse', 'gatehouse ', 'gatehouse-admin', ID, 1, true, ['gatehouse'], {}],
  auth_time: ['1', -1, 1.5, true, [], {}, 1e12, '2026-01-01T00:00:00Z'],
  amr: ['pwd', '', 1, true, {}, [1], [null], [['pwd']], [''], { 0: 'pwd', length: 1 }, ['p'.repeat(65)]],
  acr: ['', 1, true, [], ['1fa'], {}, 'a'.repeat(65)],
  org: ['', 1, true, null, [], {}, 'o'.repeat(65)],
};
const wrong: BadToken[] = Object.entries(WRONG).flatMap(([claim, values]) =>
  values.map(
    (value): BadToken => [`${claim} ${JSON.stringify(value).slice(0, 60)}`, (f) => f.withClaims({ [claim]: value })],
  ),
);

const times: BadToken[] = [
  ['expired a second ago', (f) => f.withClaims({ iat: now() - 61, exp: now() - 1 })],
  ['expired for a year', (f) => f.withClaims({ iat: now() - 31_536_900, exp: now() - 31_536_000 })],
  ['issued in a minute', (f) => f.withClaims({ iat: now() + 60, exp: now() + 120 })],
  ['issued in a year, in milliseconds', (f) => f.withClaims({ iat: Date.now(), exp: Date.now() + 900 })],
  ['a life longer than ACCESS_TOKEN_TTL', (f) => f.withClaims({ iat: now(), exp: now() + 901 })],
  ['a life of ten years', (f) => f.withClaims({ exp: now() + 315_360_000 })],
  ['a life that began at 0', (f) => f.withClaims({ iat: 0 })],
  ['an end before its start', (f) => f.withClaims({ iat: now() + 4, exp: now() + 3 })],
  ['exp in fractions', (f) => f.withClaims({ exp: now() + 60.5 })],
  ['a huge exp as text', (f) => f.forge.token(f.forge.header, f.part(1).replace(/"exp":\d+/, '"exp":1e400'))],
  [
    'exp and iat beyond 2^53',
    (f) =>
      f.forge.token(
        f.forge.header,
        f
          .part(1)
          .replace(/"exp":\d+/, '"exp":9007199254740993')
          .replace(/"iat":\d+/, '"iat":9007199254740992'),
      ),
  ],
  ['nbf ahead', (f) => f.withClaims({ nbf: now() + 60 })],
  ['nbf as text', (f) => f.withClaims({ nbf: 'never' })],
];

/** A limit that nothing here keeps to: to pass it over would make of the token more than it is (RFC 9068, 2.2.3; RFC 7800). */
const LIMITS: Record<string, unknown[]> = {
  scope: ['users:read', 'users:read roles:read', '', 1, null, ['users:read'], {}],
  cnf: [{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}, 'x', 1, null],
};
const limited: BadToken[] = Object.entries(LIMITS).flatMap(([claim, values]) =>
  values.map((value): BadToken => [`${claim} ${JSON.stringify(value)}`, (f) => f.withClaims({ [claim]: value })]),
);

const ROLES = /"roles":\[[^\]]*\]/;

/** What an object cannot say. */
const asText =
  (edit: (payload: string) => string | Buffer): BadToken[1] =>
  (f) =>
    f.forge.token(f.forge.header, edit(f.part(1)));
const texts: BadToken[] = [
  ['roles twice', asText((p) => p.replace('{', '{"roles":["admin"],'))],
  ['roles twice, the last for the worse', asText((p) => p.replace(/}$/, ',"roles":["admin"]}'))],
  ['roles twice, once escaped', asText((p) => p.replace(/}$/, ',"\\u0072oles":["admin"]}'))],
  ['exp twice', asText((p) => p.replace(/}$/, `,"exp":${now() + 60}}`))],
  ['sub twice, alike', (f) => f.forge.token(f.forge.header, f.part(1).replace('{', `{"sub":"${f.user.id}",`))],
  ['a __proto__', asText((p) => p.replace('{', '{"__proto__":{"roles":["admin"]},'))],
  ['all claims in a __proto__', asText((p) => `{"__proto__":${p}}`)],
  ['a byte order mark', asText((p) => `\ufeff${p}`)],
  ['a NUL at the end', asText((p) => `${p}\u0000`)],
  ['a lone surrogate', asText((p) => p.replace(/"username":"\w+"/, '"username":"\\ud800"'))],
  [
    'bytes that are not UTF-8',
    asText((p) => Buffer.concat([Buffer.from(p.slice(0, -1)), Buffer.from(',"x":"\xff\xfe"}', 'latin1')])),
  ],
  ['UTF-16', asText((p) => Buffer.from(p, 'utf16le'))],
  ['an array around it', asText((p) => `[${p}]`)],
  ['a string', asText((p) => JSON.stringify(p))],
  ['null', asText(() => 'null')],
  ['true', asText(() => 'true')],
  ['nothing', asText(() => '')],
  ['an empty object', asText(() => '{}')],
  ['a text that is not JSON', asText(() => 'ada')],
  ['two objects', asText((p) => p + p)],
  ['brackets without end', asText(() => '['.repeat(5900))],
  ['brackets, all of them closed', asText((p) => p.replace(ROLES, `"roles":${'['.repeat(2500)}${']'.repeat(2500)}`))],
  ['objects in objects', asText((p) => p.replace(ROLES, `"roles":${'{"a":'.repeat(900)}1${'}'.repeat(900)}`))],
  ['a number of 4000 digits', asText((p) => p.replace(/"ver":\d+/, `"ver":${'9'.repeat(4000)}`))],
  ['a number with an exponent of 309', asText((p) => p.replace(/"ver":\d+/, '"ver":1e309'))],
];

const forgery = refuseAll({
  'a token without a claim': [...missing, ...absent],
  'a token with a claim of another kind': wrong,
  'a token of another time': times,
  'a token with a limit that is not kept to here': limited,
  'a payload that two parsers may read differently': texts,
});

test('an expired token is told to refresh, and one of another kind is not', async () => {
  const expired = await forgery().ask(forgery().withClaims({ iat: now() - 61, exp: now() - 1 }));
  expect(expired.body.code).toBe('token_expired');
  const future = await forgery().ask(forgery().withClaims({ iat: now() + 60, exp: now() + 120 }));
  expect(future.body.code).toBe('invalid_token');
});

test('a claim that is not known is ignored, and gives nothing', async () => {
  const names = ['admin', 'permissions', 'azp', 'email', 'role', 'Roles', 'constructor', 'toString', 'nbf', ''];
  for (const name of names) {
    const token = forgery().withClaims({ [name]: name === 'nbf' ? now() - 60 : ['admin', 'users:read'] });
    const answer = await forgery().gatehouse.call<{ user: { roles: string[] } }>('GET', '/v1/auth/session', { token });
    expect({ name, status: answer.status, roles: answer.body.user?.roles }).toEqual({
      name,
      status: 200,
      roles: forgery().user.roles,
    });
    expect((await forgery().gatehouse.call('GET', '/v1/users', { token })).status).toBe(403);
  }
});

test('a token of the version before is told to refresh, which gives one of this version', async () => {
  const former = Object.fromEntries(ADDED.map((claim) => [claim, undefined]));
  const answer = await forgery().ask(forgery().withClaims(former));
  expect([answer.status, answer.body.code]).toEqual([401, 'token_expired']);
  // Half of them were never written.
  for (const claim of ADDED) {
    const half = forgery().withClaims({ ...former, [claim]: forgery().claims()[claim] });
    expect((await forgery().ask(half)).body.code).toBe('invalid_token');
    expect((await forgery().ask(forgery().withClaims({ [claim]: undefined }))).body.code).toBe('invalid_token');
  }
  // Another fault counts before its age.
  expect((await forgery().ask(forgery().withClaims({ ...former, ver: 0 }))).body.code).toBe('invalid_token');
});

test('what stands at the edge is taken: the whole life, and a clock that is a little ahead', async () => {
  for (const claims of [
    { iat: now(), exp: now() + 900 },
    { iat: now() + 3, exp: now() + 600 },
    { username: null },
    { roles: [] },
    { amr: ['otp', 'mfa'], acr: '2fa' },
    { amr: [] },
    { auth_time: 0 },
    { org: ID },
  ]) {
    expect((await forgery().ask(forgery().withClaims(claims))).status).toBe(200);
  }
});
