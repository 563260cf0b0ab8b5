import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse, GatehouseProcess } from '../support/gatehouse.js';
import { tokenFor } from '../support/mail.js';
import { sendRaw } from '../support/raw.js';
import { freshEmail, type Problem, signUp } from '../support/users.js';

/** The development outbox opens every account: whatever was set or forgotten, nobody reads it from elsewhere. */
let database: TestDatabase;
let home: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  home = await Gatehouse.start({ DATABASE_URL: database.url, TRUSTED_PROXIES: 'loopback' });
  const { user } = await signUp(home);
  expect(await tokenFor(home, user.email)).not.toBe('');
});

afterAll(async () => {
  await home?.stop();
  await database?.drop();
});

describe.each(['application/json', 'text/html'])('where it exists, to a request for %s', (accept) => {
  test.each<[string, string]>([
    ['forwarded', 'for=203.0.113.7'],
    ['x-forwarded-for', '127.0.0.1'],
    ['x-forwarded-host', 'localhost'],
    ['x-forwarded-proto', 'https'],
    ['x-real-ip', '127.0.0.1'],
    ['via', '1.1 gate'],
    ['cf-connecting-ip', '203.0.113.7'],
    ['true-client-ip', '203.0.113.7'],
    ['x-amzn-trace-id', 'Root=1-67891233-abcdef012345678912345678'],
    ['cdn-loop', 'cloudflare'],
    ['x-forward-for', '127.0.0.1'],
    ['x-appengine-country', 'DE'],
    ['x-arr-log-id', '1'],
    ['x-nginx-proxy', 'true'],
    ['x-scheme', 'https'],
    ['x_forwarded_for', '127.0.0.1'],
    ['cloudfront-viewer-address', '203.0.113.7:1'],
    ['front-end-https', 'on'],
    ['ngrok-skip-browser-warning', '1'],
  ])('that was passed on it does not: %s', async (name, value) => {
    const answer = await home.call<Problem>('GET', '/dev/outbox', { headers: { accept, [name]: value } });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    expect(answer.text).not.toContain('token');
  });

  test.each(['auth.example.com', 'localhost.example.com', '127.0.0.1.nip.io', '192.168.1.5:3000', 'localhost:x', ''])(
    'that was sent to another name, as a page does whose name leads here, it does not: Host: %s',
    async (host) => {
      const { text: raw } = await sendRaw(
        home.url,
        `GET /dev/outbox HTTP/1.1\r\nHost: ${host}\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`,
      );
      expect(raw).toMatch(/^HTTP\/1\.1 40[04] /);
      expect(raw).not.toContain('verify-email');
    },
  );

  test('in HTTP/1.0, as nginx passes it on unless told otherwise, it does not', async () => {
    const { text: raw } = await sendRaw(
      home.url,
      `GET /dev/outbox HTTP/1.0\r\nHost: localhost\r\nAccept: ${accept}\r\n\r\n`,
    );
    expect(raw).toMatch(/^HTTP\/1\.1 404 /);
    expect(raw).not.toContain('verify-email');
  });

  test.each([
    `GET http://auth.example.com/dev/outbox HTTP/1.1\r\nHost: localhost\r\n`,
    `GET /dev/outbox HTTP/1.1\r\nHost: localhost\r\nHost: auth.example.com\r\n`,
    `GET /dev/outbox HTTP/0.9\r\nHost: localhost\r\n`,
  ])('that has two hosts, or is older than they are, it does not: %s', async (head) => {
    const { text: raw } = await sendRaw(home.url, `${head}Accept: ${accept}\r\nConnection: close\r\n\r\n`);
    expect(raw).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(raw).not.toContain('verify-email');
  });

  test('that a page or a program here makes it is there, whatever of its own it sends', async () => {
    const headers = { accept, 'x-requested-with': 'XMLHttpRequest', 'x-request-id': 'a-trace' };
    expect((await home.call('GET', '/dev/outbox', { headers })).status).toBe(200);
  });

  test.each(['localhost:3000', '127.0.0.1', '[::1]:3000'])('made here it is there: Host: %s', async (host) => {
    const { text: raw } = await sendRaw(
      home.url,
      `GET /dev/outbox HTTP/1.1\r\nHost: ${host}\r\nAccept: ${accept}\r\nConnection: close\r\n\r\n`,
    );
    expect(raw).toMatch(/^HTTP\/1\.1 200 /);
    expect(raw).toContain('verify-email');
  });
});

test.each<Record<string, string>>([
  { HOST: '0.0.0.0' },
  { PUBLIC_URL: 'https://auth.example.com' },
  { HOST: '0.0.0.0', PUBLIC_URL: 'http://gatehouse.example.com', TRUSTED_PROXIES: '10.0.0.0/8' },
])('with NODE_ENV forgotten and %j it is not there, no mail waits in it, and the first line says why', async (env) => {
  const gatehouse = await GatehouseProcess.start({ DATABASE_URL: database.url, ...env });
  try {
    const url = new URL(gatehouse.url);
    gatehouse.url = `http://127.0.0.1:${url.port}`;
    expect((await gatehouse.call('GET', '/dev/outbox')).status).toBe(404);
    const asked = await gatehouse.call<Problem>('POST', '/v1/auth/password/forgot', { body: { email: freshEmail() } });
    expect([asked.status, asked.body.code]).toEqual([503, 'mail_unavailable']);
    const [first = ''] = gatehouse.output.split('\n');
    expect(first).toMatch(/^NODE_ENV is not production, but .*Set NODE_ENV=production/);
    for (const [name, value] of Object.entries(env))
      expect(first).toContain(name === 'TRUSTED_PROXIES' ? `${name} is set` : `${name} is ${value}`);
  } finally {
    await gatehouse.stop();
  }
});
