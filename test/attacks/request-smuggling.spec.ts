import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { sendRaw } from '../support/raw.js';

/**
 * Bytes whose end two programs may see in different places: RFC 9112, 6.3 and 11.2; ASVS 5.0 V4.2.1, V4.2.2. One refusal,
 * and the connection closed, so that nothing behind it is taken for a request.
 */

let database: TestDatabase;
let gatehouse: GatehouseProcess;
beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

/** Would be seen as a second answer. */
const HIDDEN = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';
const POST = 'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const GET = 'GET /health/live HTTP/1.1\r\n';

const BAD: Record<string, string> = {
  'Content-Length and Transfer-Encoding': `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding and Content-Length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'two Content-Lengths': `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}${HIDDEN}`,
  'two Content-Lengths, alike': `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${HIDDEN}`,
  'a Content-Length with a comma': `${POST}Content-Length: 2, 2\r\n\r\n{}${HIDDEN}`,
  'a negative Content-Length': `${POST}Content-Length: -1\r\n\r\n${HIDDEN}`,
  'a Content-Length with a plus': `${POST}Content-Length: +2\r\n\r\n{}${HIDDEN}`,
  'a hexadecimal Content-Length': `${POST}Content-Length: 0x2\r\n\r\n{}${HIDDEN}`,
  'a Content-Length with a space inside': `${POST}Content-Length: 1 2\r\n\r\n{}${HIDDEN}`,
  'a Content-Length beyond 2^64': `${POST}Content-Length: 18446744073709551618\r\n\r\n{}${HIDDEN}`,
  'a Content-Length that is no number': `${POST}Content-Length: two\r\n\r\n{}${HIDDEN}`,
  'Transfer-Encoding xchunked': `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding chunked, identity': `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'Transfer-Encoding behind a vertical tab': `${POST}Transfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a space before the colon': `${POST}Content-Length : 2\r\n\r\n{}${HIDDEN}`,
  'a chunk size that is no number': `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size beyond 2^64': `${POST}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n${HIDDEN}`,
  'a negative chunk size': `${POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk longer than it says': `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size with a 0x': `${POST}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n${HIDDEN}`,
  'a header folded onto a second line': `${GET}Host: x\r\nX-A: b\r\n c\r\nTransfer-Encoding: chunked\r\n\tidentity\r\n\r\n${HIDDEN}`,
  'a line break alone between headers': `${GET}Host: x\nX-A: b\r\n\r\n${HIDDEN}`,
  'a carriage return alone in a header': `${GET}Host: x\r\nX-A: b\rContent-Length: 40\r\n\r\n${HIDDEN}`,
  'no Host': `${GET}\r\n${HIDDEN}`,
  'a NUL in a header': `${GET}Host: x\r\nX-A: b\u0000\r\n\r\n${HIDDEN}`,
  'a header without a colon': `${GET}Host: x\r\nX-A\r\n\r\n${HIDDEN}`,
  'a header without a name': `${GET}Host: x\r\n: b\r\n\r\n${HIDDEN}`,
  'a name with a space': `${GET}Host: x\r\nX A: b\r\n\r\n${HIDDEN}`,
  'a name with a bracket': `${GET}Host: x\r\nX(A): b\r\n\r\n${HIDDEN}`,
  'version 9.9': `GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n${HIDDEN}`,
  'version 2.0 of old': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
  'a method that there is not': `FOO /health/live HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a method in small letters': `get /health/live HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a space in the address': `GET /health/live x HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a NUL in the address': `GET /health\u0000/live HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'more headers than 16 KiB': `${GET}Host: x\r\n${Array.from({ length: 40 }, (_, i) => `X-${i}: ${'a'.repeat(500)}\r\n`).join('')}\r\n`,
  'one header of 20 KiB': `${GET}Host: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`,
  'an address of 20 KiB': `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  TLS: '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  'bytes of no meaning': '\u0000\u0001\u0002\u0003\r\n\r\n',
  'an empty line and then nothing that is a request': '\r\n\r\nhello\r\n\r\n',
};

test.each(Object.keys(BAD))('%s', async (name) => {
  const { statuses, closed, text } = await sendRaw(gatehouse.url, BAD[name] ?? '', 1500);
  expect({ statuses, closed }).toEqual({ statuses: [expect.any(Number)], closed: true });
  expect(statuses[0]).toBeGreaterThanOrEqual(400);
  expect(statuses[0]).toBeLessThan(500);
  expect(text).toMatch(/^content-type: application\/problem\+json; charset=utf-8\r?$/im);
  expect(text).toMatch(/^x-request-id: [\w-]{12}\.[0-9a-z]+\r?$/im);
  expect(text).toMatch(/^content-security-policy: default-src 'none';.*frame-ancestors 'none'\r?$/im);
  expect(text).not.toMatch(/HPE_|parse error|llhttp|node_modules|\.js:\d/i);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(Buffer.byteLength(body, 'latin1')).toBe(Number(/content-length: (\d+)/i.exec(head)?.[1]));
  expect(JSON.parse(body)).toMatchObject({ status: statuses[0], detail: expect.any(String) });
});

test('a body that breaks off is no request', async () => {
  const { statuses, text } = await sendRaw(gatehouse.url, `${POST}Content-Length: 100\r\n\r\n{"email":"a`, 300);
  expect([statuses, text]).toEqual([[], '']);
});

test('good requests, one behind the other, are answered one by one', async () => {
  const { statuses } = await sendRaw(gatehouse.url, HIDDEN + HIDDEN + HIDDEN, 300);
  expect(statuses).toEqual([200, 200, 200]);
});

test('after all that it serves, and nothing of it looked like a failure of ours', async () => {
  expect((await gatehouse.call('GET', '/health/live')).status).toBe(200);
  expect(gatehouse.output).not.toMatch(/Error|_unavailable|\.js:\d/);
});
