import { type Api, Gatehouse } from '../support/gatehouse.js';
import { routesOf } from '../support/openapi.js';
import { sendRaw } from '../support/raw.js';
import { PASSWORD } from '../support/users.js';

/**
 * A body counts as JSON where its content type says so exactly, and is refused otherwise: no form, no simple request that
 * a foreign page could send, no parameter that changes how bytes are read. ASVS 5.0 V3.5.2, V4.1.1;
 * CVE-2025-32442, CVE-2026-25223, CVE-2026-33806, CVE-2026-3419 (Fastify's checks passed by odd content types).
 */

let gatehouse: Api;
beforeAll(() => {
  ({ gatehouse } = Gatehouse.shared());
});

/** Raw, because fetch mends a header. The body is a proper login of nobody: 401 where it is read. */
async function statusOf(
  header: string,
  path = '/v1/auth/login',
  method = 'POST',
): Promise<{ status: number; text: string }> {
  const body = JSON.stringify({ email: 'nobody@example.com', password: PASSWORD });
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: gatehouse.test',
    header,
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  const { statuses, text } = await sendRaw(gatehouse.url, `${head.filter(Boolean).join('\r\n')}\r\n\r\n${body}`);
  expect(statuses).toHaveLength(1);
  return { status: statuses[0] ?? 0, text };
}

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=UTF-8',
  'Application/JSON',
  'application/json; charset="utf-8"',
  'application/json ',
])('taken: %s', async (type) => {
  expect((await statusOf(`Content-Type: ${type}`)).status).toBe(401);
});

const REFUSED = [
  'text/plain',
  'text/plain; application/json',
  'text/json',
  'text/html',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/xml',
  'application/jsonp',
  'application/json5',
  'application/json-seq',
  'application/x-json',
  'application/ld+json',
  'application/problem+json',
  'application/vnd.api+json',
  'application/merge-patch+json',
  'application/csp-report',
  'application/json; charset=utf-16',
  'application/json; charset=utf-7',
  'application/json; charset=iso-8859-1',
  'application/json; charset=',
  'application/json; charset',
  'application/json; charset="utf-8',
  'application/json; charset=utf-8"',
  "application/json; charset='utf-8'",
  'application/json; charset=utf-8; charset=utf-16',
  'application/json; boundary=x',
  'application/json; x',
  'application/json;x',
  'application/json;',
  'application/json,text/plain',
  'application/json, application/json',
  'text/plain, application/json',
  'application/json\ttext/plain',
  'application/json text/plain',
  'application /json',
  'application/ json',
  'application//json',
  'application/json/',
  'application',
  'json',
  '*/*',
  'application/*',
  ';application/json',
  '"application/json"',
  'application/json\u00a0',
  '',
];
test.each(REFUSED)('refused: %s', async (type) => {
  const { status, text } = await statusOf(`Content-Type: ${type}`);
  expect(status).toBe(415);
  expect(text).toContain('"code":"unsupported_media_type"');
  expect(text).toContain('content-type: application/problem+json; charset=utf-8');
});

test('refused: none at all, and two of them', async () => {
  expect((await statusOf('')).status).toBe(415);
  // Node keeps the first; what counts is that the body is read as what it says, or not at all.
  expect((await statusOf('Content-Type: text/plain\r\nContent-Type: application/json')).status).toBe(415);
});

test('refused: a body under an encoding (CVE-2026-33806: a bomb that unpacks)', async () => {
  for (const encoding of ['gzip', 'br', 'deflate', 'x-unknown']) {
    const { status } = await statusOf(`Content-Type: application/json\r\nContent-Encoding: ${encoding}`);
    expect(status).toBe(415);
  }
});

test('every route that takes a body refuses the same', async () => {
  const routes = await routesOf(gatehouse, ({ requestBody }) => requestBody !== undefined);
  expect(routes.length).toBeGreaterThan(15);
  for (const [method, path] of routes) {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const { status } = await statusOf(`Content-Type: ${type}`, path, method);
      expect([method, path, type, status]).toEqual([method, path, type, 415]);
    }
  }
});
