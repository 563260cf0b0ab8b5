import { type Api, Gatehouse } from './support/gatehouse.js';
import { routesOf } from './support/openapi.js';
import { sendRaw } from './support/raw.js';
import { type Problem, type SignedUp, signUp } from './support/users.js';

/**
 * A body of no bytes is none, whatever type it is said to have: `curl -d ''` and `axios.post(url, null)` say that it is a
 * form, others that it is text or packed.
 */

let gatehouse: Api;
let person: SignedUp;
beforeAll(async () => {
  ({ gatehouse } = Gatehouse.shared());
  person = await signUp(gatehouse);
});

const TYPES = [
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Type: text/plain;charset=UTF-8',
  'Content-Type: multipart/form-data; boundary=x',
  'Content-Type: application/octet-stream',
  'Content-Type: application/json',
  'Content-Type: application/json; charset=utf-16',
  'Content-Type: application/json\r\nContent-Encoding: gzip',
  'Content-Type: nonsense',
  'Content-Type:',
  'X-No-Type: 1',
];
const EMPTY = {
  'a length of 0': 'Content-Length: 0\r\n\r\n',
  'no length': '\r\n',
  'chunks of nothing': 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
};

/** The status and the body of the answer. */
async function send(method: string, path: string, head: string, token = ''): Promise<[number, Partial<Problem>]> {
  const start = `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
  const authorization = token && `Authorization: Bearer ${token}\r\n`;
  const { statuses, text } = await sendRaw(gatehouse.url, start + authorization + head);
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  return [statuses[0] ?? 0, body.startsWith('{') ? JSON.parse(body) : {}];
}

describe.each(Object.entries(EMPTY))('%s', (_how, end) => {
  test.each(TYPES)('%s', async (type) => {
    const head = `${type}\r\n${end}`;
    // Takes a body or none: what it says is of the token, and not of the body.
    expect((await send('POST', '/v1/auth/logout', head))[1].code).toBe('unauthorized');
    const { accessToken } = person;
    expect((await send('POST', '/v1/auth/logout-all', head, (await signUp(gatehouse)).accessToken))[0]).toBe(200);
    // Takes none.
    const session = '/v1/sessions/01890a5d-ac96-774b-bcce-b302099a8057';
    expect((await send('DELETE', session, head, accessToken))[1].code).toBe('not_found');
    // Needs one, or the cookie.
    const [status, { errors }] = await send('POST', '/v1/auth/refresh', head);
    expect([status, errors?.map(({ pointer }) => pointer)]).toEqual([400, ['/refreshToken']]);
  });
});

test('a route that needs a body says 400, and which fields are missing', async () => {
  const routes = await routesOf(gatehouse, ({ requestBody }) => requestBody !== undefined);
  expect(routes.length).toBeGreaterThan(15);
  const named: Record<string, string[] | undefined> = {};
  for (const [method, path] of routes) {
    const [status, { code, errors }] = await send(method, path, `${TYPES[0]}\r\n${EMPTY['a length of 0']}`);
    expect([method, path, status]).not.toEqual([method, path, 415]);
    if (status === 400) {
      expect([method, path, code]).toEqual([method, path, 'invalid_request']);
      named[path] = errors?.map(({ pointer }) => pointer);
    }
  }
  expect(named).toMatchObject({
    '/v1/auth/register': ['/email', '/password'],
    '/v1/auth/password/forgot': ['/email'],
    '/v1/auth/email/verify': ['/token'],
    '/v1/auth/invitations/accept': ['/token', '/password'],
  });
});

test.each([
  ['Content-Length: 1\r\n\r\n', ' '],
  ['Transfer-Encoding: chunked\r\n\r\n', '1\r\n \r\n0\r\n\r\n'],
  // Says that there is a body, and is refused by its first byte: nobody waits for the rest.
  ['Content-Length: 70000\r\n\r\n', 'a=b'],
])('a body of another type that is not empty stays refused: %j', async (end, body) => {
  for (const path of ['/v1/auth/login', '/v1/auth/logout', '/v1/auth/refresh']) {
    const [status, { code }] = await send('POST', path, `${TYPES[0]}\r\n${end}${body}`);
    expect([status, code]).toEqual([415, 'unsupported_media_type']);
  }
});
