import { type Api, Gatehouse } from './support/gatehouse.js';
import { sendRaw } from './support/raw.js';

/**
 * Every refusal is a whole problem, those too that Node or Fastify would make by themselves, in a bare line. What cannot be
 * read as a request at all is in slow-requests.spec.ts (408, 431) and attacks/request-smuggling.spec.ts.
 */

let gatehouse: Api;
beforeAll(() => {
  ({ gatehouse } = Gatehouse.shared());
});

const HOST = 'Host: gatehouse.test\r\n';
const LOGIN = `POST /v1/auth/login HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 2\r\n`;
const READ = `GET /v1/auth/session HTTP/1.1\r\n${HOST}`;

const REFUSED: [name: string, bytes: string, status: number, code: string][] = [
  ['an expectation of one’s own', `${READ}Expect: something\r\n\r\n`, 417, 'invalid_request'],
  ['an empty expectation', `${READ}Expect:\r\n\r\n`, 417, 'invalid_request'],
  ['an expectation before a body', `${LOGIN}Expect: 200-ok\r\n\r\n{}`, 417, 'invalid_request'],
  ['what only looks like the known one', `${LOGIN}Expect: y 100-continue\r\n\r\n{}`, 417, 'invalid_request'],
  ['the known one beside another', `${LOGIN}Expect: 100-continue, x\r\n\r\n{}`, 417, 'invalid_request'],
  ['no Host', 'GET /health/live HTTP/1.1\r\n\r\n', 400, 'invalid_request'],
  ['two Hosts', `GET /health/live HTTP/1.1\r\n${HOST}Host: evil.example\r\n\r\n`, 400, 'invalid_request'],
  ['two Hosts, alike', `GET /health/live HTTP/1.1\r\n${HOST}${HOST}\r\n`, 400, 'invalid_request'],
  ['two Hosts in HTTP/1.0', `GET /health/live HTTP/1.0\r\n${HOST}${HOST}\r\n`, 400, 'invalid_request'],
  ...['a b', 'a/b', 'user@a', 'a?b', 'a:b', 'a:80:80', '[::1', 'é'].map((host): [string, string, number, string] => [
    `no host: ${host}`,
    `GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    400,
    'invalid_request',
  ]),
  ['a user in the address', `GET http://a@b/health/live HTTP/1.1\r\n${HOST}\r\n`, 400, 'invalid_request'],
  ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 405, 'method_not_allowed'],
  ['TRACE', `TRACE /health/live HTTP/1.1\r\n${HOST}\r\n`, 405, 'method_not_allowed'],
  ['a method that Node knows and Fastify does not', `PROPFIND / HTTP/1.1\r\n${HOST}\r\n`, 405, 'method_not_allowed'],
  ['a method that there is not', `FOO / HTTP/1.1\r\n${HOST}\r\n`, 400, 'invalid_request'],
  ['a version that there is not', `GET / HTTP/3.0\r\n${HOST}\r\n`, 400, 'invalid_request'],
  ['the whole server', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 404, 'not_found'],
  ['an address of another server', `GET http://evil.example/x HTTP/1.1\r\n${HOST}\r\n`, 404, 'not_found'],
  ['an upgrade', `${READ}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 401, 'unauthorized'],
  ['an upgrade to HTTP/2', `${READ}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`, 401, 'unauthorized'],
  [
    'a part that a file does not have',
    `GET /icon.svg HTTP/1.1\r\n${HOST}Range: bytes=99999-\r\n\r\n`,
    416,
    'invalid_request',
  ],
  ['a file of another state', `GET /icon.svg HTTP/1.1\r\n${HOST}If-Match: "x"\r\n\r\n`, 412, 'invalid_request'],
  ['a file with a NUL', `GET /docs/%00 HTTP/1.1\r\n${HOST}\r\n`, 400, 'invalid_request'],
  ['a hidden file', `GET /docs/.env HTTP/1.1\r\n${HOST}\r\n`, 404, 'not_found'],
  ['a folder of files', `GET /assets/ HTTP/1.1\r\n${HOST}\r\n`, 404, 'not_found'],
  [
    'trailers of no size',
    `${LOGIN.replace(/Content-Length.*\r\n/, '')}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(20_000)}\r\n`,
    400,
    'invalid_request',
  ],
];

test.each(REFUSED)('%s', async (_name, bytes, status, code) => {
  const { statuses, text } = await sendRaw(gatehouse.url, bytes, 600);
  expect(statuses).toEqual([status]);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(head).toMatch(/^content-type: application\/problem\+json; charset=utf-8\r?$/im);
  expect(head).toMatch(/^cache-control: no-store\r?$/im);
  expect(head).toMatch(/^x-content-type-options: nosniff\r?$/im);
  expect(head).toMatch(/^content-security-policy: default-src 'none';/im);
  const [, id] = /^x-request-id: ([\w-]{12}\.[0-9a-z]+)\r?$/im.exec(head) ?? [];
  expect(JSON.parse(body)).toEqual({
    type: `urn:gatehouse:problem:${code}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code,
    requestId: id,
  });
  if (status === 405) expect(head).toMatch(/^allow:/im);
  expect(text).not.toMatch(/HPE_|FST_|node_modules|\.js:\d/);
});

test.each(['', 'localhost:', '[::1]:3000', '[fe80::1%25eth0]', 'xn--bcher-kva.example', 'a_b.example', '127.0.0.1:80'])(
  'Host: %s is one',
  async (host) => {
    const { statuses } = await sendRaw(gatehouse.url, `GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 600);
    expect(statuses).toEqual([200]);
  },
);

test('a part that a file does not have is told how long the file is', async () => {
  const { text } = await sendRaw(gatehouse.url, `GET /icon.svg HTTP/1.1\r\n${HOST}Range: bytes=99999-\r\n\r\n`, 600);
  expect(text).toMatch(/^content-range: bytes \*\/\d+\r?$/im);
});

test('a refused expectation ends the connection: its body is not read, and must not become a request', async () => {
  const hidden = `GET /health/live HTTP/1.1\r\n${HOST}\r\n`;
  const head = `POST /v1/auth/login HTTP/1.1\r\n${HOST}Expect: x\r\nContent-Length: ${hidden.length}\r\n\r\n`;
  const { statuses, closed } = await sendRaw(gatehouse.url, head + hidden, 1500);
  expect([statuses, closed]).toEqual([[417], true]);
});

test.each(['100-continue', '100-Continue'])('Expect: %s is answered at once, and then the request', async (value) => {
  const { statuses } = await sendRaw(gatehouse.url, `${LOGIN}Expect: ${value}\r\n\r\n{}`);
  expect(statuses).toEqual([100, 400]);
});

test('HTTP/1.0 knows neither Host nor Expect (RFC 9110, 10.1.1)', async () => {
  const { statuses } = await sendRaw(gatehouse.url, 'GET /health/live HTTP/1.0\r\nExpect: x\r\n\r\n');
  expect(statuses).toEqual([200]);
});

test('a tunnel that is cut off while it is refused harms nobody', async () => {
  await Promise.all(
    Array.from({ length: 20 }, () =>
      sendRaw(gatehouse.url, `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n${'x'.repeat(9000)}`, 20),
    ),
  );
  expect((await gatehouse.call('GET', '/health/live')).status).toBe(200);
});
