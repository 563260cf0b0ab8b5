import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse } from '../support/gatehouse.js';
import { served } from '../support/served.js';
import { freshEmail, PASSWORD, type Problem, signUp } from '../support/users.js';

/** No address has a server to itself; health is always answered (ASVS 5.0, 2.4.1 and 15.2.2). */
let database: TestDatabase;
let gatehouse: Gatehouse;

beforeAll(async () => {
  database = await createDatabase();
  gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, RATE_LIMITS: 'on', TRUSTED_PROXIES: 'loopback' });
});

afterAll(async () => {
  await gatehouse?.stop();
  await database?.drop();
});

const from = (ip: string) => ({ 'x-forwarded-for': ip });

test('600 requests a minute an address, of whatever kind, known or not', async () => {
  const { accessToken } = await signUp(gatehouse);
  const headers = from('192.0.2.1');
  const paths = [
    '/v1/auth/session',
    '/v1/users/me',
    '/nothing/here',
    '/.well-known/jwks.json',
    '/openapi.json',
    '/v1/sessions',
  ];
  const first = await gatehouse.call('GET', '/v1/auth/session', { token: accessToken, headers });
  expect(Object.fromEntries(first.headers)).toMatchObject({
    'ratelimit-limit': '600',
    'ratelimit-remaining': '599',
    'ratelimit-reset': '60',
  });
  const answers = await Promise.all(
    Array.from({ length: 619 }, (_, index) =>
      gatehouse.call('GET', paths[index % 6] as string, { token: accessToken, headers }),
    ),
  );
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
  const refused = await gatehouse.call<Problem>('GET', '/v1/auth/session', { token: accessToken, headers });
  expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  expect(refused.headers.get('content-type')).toMatch('application/problem+json');
  expect(refused.headers.get('x-request-id')).toBe(refused.body.requestId);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
  expect(refused.headers.get('ratelimit-remaining')).toBe('0');
  const page = await gatehouse.call<Problem>('GET', '/', { headers });
  expect([page.status, page.body.code]).toEqual([429, 'rate_limited']);

  for (const path of ['/health/live', '/health/started', '/health/ready', '/health/database']) {
    const { status, headers: got } = await gatehouse.call('GET', path, { headers });
    expect([status, got.has('ratelimit-limit')]).toEqual([200, false]);
  }
  const neighbour = await gatehouse.call('GET', '/v1/auth/session', { token: accessToken, headers: from('192.0.2.2') });
  expect(neighbour.status).toBe(200);
});

test('a port behind the hop is no part of whose budget it is, and hops with ports do not share one', async () => {
  const remaining = async (hop: string) =>
    Number(
      (await gatehouse.call('GET', '/v1/auth/session', { headers: from(hop) })).headers.get('ratelimit-remaining'),
    );
  expect(await remaining('203.0.113.107:4444')).toBe(599);
  expect(await remaining('203.0.113.107:5555')).toBe(598);
  expect(await remaining('203.0.113.107')).toBe(597);
  expect(await remaining('203.0.113.108:4444')).toBe(599);
  expect(await remaining('[2001:db8:6::1]:443')).toBe(599);
});

test('routes with limits of their own are counted apart, so that nothing of what they refuse is without end', async () => {
  const headers = from('192.0.2.3');
  const senseless: [path: string, body: unknown][] = [
    ['/v1/auth/register', { email: freshEmail(), password: 'password1' }],
    ['/v1/auth/register', { no: 'form' }],
    ['/v1/auth/login', '{"email":'],
    ['/v1/auth/password/forgot', {}],
    ['/v1/auth/email/resend', 'null'],
  ];
  const send = (index: number) => {
    const [path, body] = senseless[index % senseless.length] as [string, unknown];
    return gatehouse.call<Problem>('POST', path, { body, headers });
  };
  const first = await send(0);
  expect([first.status, first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')]).toEqual([
    400,
    '600',
    '599',
  ]);
  const answers = await Promise.all(Array.from({ length: 609 }, (_, index) => send(index)));
  expect(answers.filter(({ status }) => status === 400)).toHaveLength(599);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400, 429]));
  // Who shares the address is not signed out by it.
  const { status, headers: got } = await gatehouse.call('GET', '/v1/auth/session', { headers });
  expect([status, got.get('ratelimit-remaining')]).toEqual([401, '599']);
});

describe('the client address', () => {
  /** The address that the server saw, as the session remembers it. */
  async function seen(headers: Record<string, string>, server = gatehouse): Promise<string> {
    const body = { email: freshEmail(), password: PASSWORD };
    const { body: made } = await served(() =>
      server.call<{ accessToken: string }>('POST', '/v1/auth/register', { body, headers }),
    );
    const list = await server.call<{ items: { ip: string }[] }>('GET', '/v1/sessions', {
      token: made.accessToken,
      headers,
    });
    return list.body.items[0]?.ip ?? 'none';
  }

  it.each([
    ['one hop', { 'x-forwarded-for': '203.0.113.1' }, '203.0.113.1'],
    ['a list that the client began', { 'x-forwarded-for': '1.1.1.1, 8.8.8.8, 203.0.113.2' }, '203.0.113.2'],
    ['a trusted hop at the end', { 'x-forwarded-for': '1.1.1.1, 203.0.113.3, 127.0.0.9' }, '203.0.113.3'],
    ['IPv6', { 'x-forwarded-for': '2001:DB8:0:0::5' }, '2001:db8::5'],
    ['IPv4 in IPv6', { 'x-forwarded-for': '::ffff:203.0.113.4' }, '203.0.113.4'],
    ['a text that is not an address', { 'x-forwarded-for': "unknown'; --" }, '127.0.0.1'],
    ['an address with a port', { 'x-forwarded-for': '203.0.113.5:4711' }, '203.0.113.5'],
    ['nothing', { 'x-forwarded-for': '' }, '127.0.0.1'],
    [
      'other headers',
      { 'x-real-ip': '9.9.9.9', forwarded: 'for=9.9.9.9', 'x-client-ip': '9.9.9.9', 'cf-connecting-ip': '9.9.9.9' },
      '127.0.0.1',
    ],
  ])('behind a trusted proxy, from %s', async (_what, headers, ip) => {
    expect(await seen(headers as unknown as Record<string, string>)).toBe(ip);
  });

  it('is the socket’s where no proxy is trusted, whatever the headers say', async () => {
    for (const TRUSTED_PROXIES of [undefined, '10.0.0.0/8']) {
      const direct = await Gatehouse.start({ DATABASE_URL: database.url, TRUSTED_PROXIES });
      try {
        const headers = { 'x-forwarded-for': '9.9.9.9', forwarded: 'for=9.9.9.9', 'x-real-ip': '9.9.9.9' };
        expect(await seen(headers, direct)).toBe('127.0.0.1');
      } finally {
        await direct.stop();
      }
    }
  });
});
