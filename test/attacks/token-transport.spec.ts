import { Forgery } from '../support/forge.js';
import { sendRaw } from '../support/raw.js';
import type { Problem } from '../support/users.js';

/**
 * A token counts in the Authorization header and nowhere else (RFC 6750, 2.1; RFC 9700, 4.3.2: never in a query), and one
 * request has one of them. ASVS 5.0 V4.1.3; CVE-2025-61928 (identity from the body); CVE-2026-73418 (percent signs).
 */

let forgery: Forgery;
beforeAll(async () => {
  forgery = await Forgery.shared();
  await forgery.takesGenuine();
});
afterAll(async () => {
  await forgery.takesGenuine();
});

const SESSION = '/v1/auth/session';

test.each(['access_token', 'token', 'bearer', 'authorization', 'jwt', 'auth_token', 'userId'])(
  'in the query: %s',
  async (name) => {
    const answer = await forgery.gatehouse.call<Problem>('GET', `${SESSION}?${name}=${forgery.genuine}`);
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  },
);

test.each([
  'X-Access-Token',
  'X-Auth-Token',
  'X-Authorization',
  'Proxy-Authorization',
  'Token',
  'X-User-Id',
  'X-Forwarded-User',
  'Cookie',
])('in the header %s', async (name) => {
  for (const value of [
    forgery.genuine,
    `Bearer ${forgery.genuine}`,
    `access_token=${forgery.genuine}`,
    forgery.user.id,
  ]) {
    const answer = await forgery.gatehouse.call<Problem>('GET', SESSION, { headers: { [name]: value } });
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
  }
});

test('in the body, as a field or as a form (RFC 6750, 2.2)', async () => {
  const { genuine, gatehouse, user } = forgery;
  for (const body of [{ access_token: genuine }, { accessToken: genuine }, { userId: user.id }]) {
    const answer = await gatehouse.call<Problem>('POST', '/v1/auth/logout-all', { body });
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
  }
  const form = await gatehouse.call('POST', '/v1/auth/logout-all', {
    body: `access_token=${genuine}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect([401, 415]).toContain(form.status);
});

const NO_TOKEN = [
  'Bearer',
  'Bearer ',
  'Basic {}',
  'Token {}',
  'JWT {}',
  'MAC {}',
  'DPoP {}',
  'Digest {}',
  '{}',
  'Bearer{}',
  'Bearer:{}',
  'Bearer\t{}',
  'Bearer={}',
  'Bearers {}',
  'xBearer {}',
  'B earer {}',
  'bearer: {}',
  '"Bearer" {}',
  'Basic Bearer {}',
  'Βearer {}',
  'Bearer, Bearer {}',
];
test.each(NO_TOKEN)('a scheme that is none of ours: %s', async (form) => {
  const { statuses, text } = await raw(`Authorization: ${form.replace('{}', forgery.genuine)}`);
  expect(statuses).toEqual([401]);
  expect(text).toContain('"code":"unauthorized"');
});

test.each(['bearer', 'BEARER', 'bEaReR'])(
  'the scheme is told without regard to case (RFC 9110, 11.1): %s',
  async (scheme) => {
    expect((await raw(`Authorization: ${scheme} ${forgery.genuine}`)).statuses).toEqual([200]);
  },
);

test.each([
  'Bearer  {}  x',
  'Bearer {},',
  'Bearer %',
  'Bearer %00',
  'Bearer %zz',
  'Bearer a.b.c',
  'Bearer {} {}',
  'Bearer realm="x", Bearer {}',
])('not a token of ours: %s', async (form) => {
  const { statuses, text } = await raw(`Authorization: ${form.replaceAll('{}', forgery.genuine)}`);
  expect(statuses).toEqual([401]);
  expect(text.toLowerCase()).toContain('www-authenticate: bearer error="invalid_token"');
});

test('two Authorization headers are none, whichever of them is good (RFC 9110, 5.3)', async () => {
  const good = `Authorization: Bearer ${forgery.genuine}`;
  for (const other of [
    'Authorization: Bearer bad',
    'Authorization: Basic eDp5',
    'authorization:',
    good,
    'AUTHORIZATION: Bearer',
  ]) {
    for (const headers of [`${good}\r\n${other}`, `${other}\r\n${good}`]) {
      const { statuses, text } = await raw(headers);
      expect(statuses).toEqual([401]);
      expect(text).toContain('"code":"invalid_token"');
    }
  }
});

test.each([0, 1, 7, 8, 11, 27, 127])('control character %i in the header reaches no handler', async (code) => {
  const { genuine } = forgery;
  for (const value of [
    `Bearer ${genuine}${String.fromCharCode(code)}`,
    `Bearer ${String.fromCharCode(code)}${genuine}`,
  ]) {
    const { statuses, text } = await raw(`Authorization: ${value}`);
    expect(statuses).toHaveLength(1);
    expect([400, 401]).toContain(statuses[0]);
    expect(text).not.toContain(forgery.user.id);
  }
});

test('a header folded onto a second line (RFC 9112, 5.2)', async () => {
  const { statuses, text } = await raw(`Authorization: Bearer\r\n ${forgery.genuine}`);
  expect([400, 401]).toContain(statuses[0]);
  expect(text).not.toContain(forgery.user.id);
});

function raw(headers: string) {
  return sendRaw(
    forgery.gatehouse.url,
    `GET ${SESSION} HTTP/1.1\r\nHost: gatehouse.test\r\n${headers}\r\nConnection: close\r\n\r\n`,
  );
}
