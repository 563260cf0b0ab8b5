import { createDatabase, type TestDatabase } from '../support/database.js';
import { Gatehouse, GatehouseProcess } from '../support/gatehouse.js';
import { type SignedUp, signUp } from '../support/users.js';
import { waitFor } from '../support/wait-for.js';

/**
 * What a client says of where it comes from counts only when a trusted proxy says so: ASVS 5.0 V4.1.3; CVE-2026-16732
 * (Fastify's hop count), CVE-2025-71401 and CVE-2023-49097 (forwarded hosts in links).
 */

let database: TestDatabase;
let direct: Gatehouse;
let behind: Gatehouse;
let person: SignedUp;
beforeAll(async () => {
  database = await createDatabase();
  direct = await Gatehouse.start({ DATABASE_URL: database.url });
  behind = await Gatehouse.start({ DATABASE_URL: database.url, TRUSTED_PROXIES: 'loopback, 10.0.0.0/8' });
  person = await signUp(direct);
});
afterAll(async () => {
  await direct?.stop();
  await behind?.stop();
  await database?.drop();
});

/** Signs in with these headers, and tells which address the new session has. */
async function ipOf(gatehouse: Gatehouse, headers: Record<string, string>): Promise<string | null> {
  const body = { email: person.user.email, password: 'violet tractor under snow' };
  const answer = await gatehouse.call<SignedUp>('POST', '/v1/auth/login', { body, headers });
  expect(answer.status).toBe(200);
  const rows = await database.query<{ session: string | null; audit: string | null }>(
    'SELECT host(s.ip) AS session, host(e.ip) AS audit FROM sessions s, audit_events e WHERE s.id = $1 AND e.request_id = $2',
    [answer.body.session.id, answer.headers.get('x-request-id')],
  );
  expect(rows[0]?.session).toBe(rows[0]?.audit);
  return rows[0]?.session ?? null;
}

test.each([
  'X-Forwarded-For',
  'X-Real-IP',
  'X-Client-IP',
  'CF-Connecting-IP',
  'True-Client-IP',
  'X-Cluster-Client-IP',
  'Forwarded',
])('%s of somebody untrusted changes nothing', async (name) => {
  const value = name === 'Forwarded' ? 'for=203.0.113.9' : '203.0.113.9';
  expect(await ipOf(direct, { [name]: value })).toBe('127.0.0.1');
  if (name !== 'X-Forwarded-For') expect(await ipOf(behind, { [name]: value })).toBe('127.0.0.1');
});

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['203.0.113.9, 10.1.2.3', '203.0.113.9'],
  ['198.51.100.1, 203.0.113.9, 10.1.2.3, 127.0.0.1', '203.0.113.9'],
  ['10.9.9.9, 203.0.113.9', '203.0.113.9'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:0DB8:0::0001', '2001:db8::1'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['::ffff:cb00:7109', '203.0.113.9'],
  // What a trusted proxy forwards and is no address: the proxy itself, and never an error.
  ['unknown', '127.0.0.1'],
  ['203.0.113.9:1234', '203.0.113.9'],
  ['[2001:db8::1]:1234', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['203.0.113.9:', '127.0.0.1'],
  ['203.0.113.999', '127.0.0.1'],
  ["'; DROP TABLE sessions; --", '127.0.0.1'],
  ['203.0.113.9, junk', '127.0.0.1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['"203.0.113.9:4444"', '203.0.113.9'],
  ['  203.0.113.9:4444\t', '203.0.113.9'],
  ['::ffff:203.0.113.9:4444', '203.0.113.9'],
  // A trusted hop with a port is a trusted hop, and not the client.
  ['203.0.113.9:4444, 10.1.2.3:4444', '203.0.113.9'],
  ['203.0.113.9, "10.1.2.3:4444"', '203.0.113.9'],
  ['203.0.113.9, [::ffff:10.1.2.3]:4444', '203.0.113.9'],
  ['203.0.113.9, ::ffff:a01:203', '203.0.113.9'],
  // What stands left of a hop that is no address may be the client's own words.
  ['203.0.113.9, unknown, 10.1.2.3', '10.1.2.3'],
  ['203.0.113.9, _hidden', '127.0.0.1'],
  ['203.0.113.9, , 10.1.2.3:4444', '10.1.2.3'],
  ['', '127.0.0.1'],
  [',,,', '127.0.0.1'],
])('behind a trusted proxy the right-most untrusted hop of %j is %s', async (value, ip) => {
  expect(await ipOf(behind, { 'X-Forwarded-For': value })).toBe(ip);
});

test('the log names the client as sessions and the audit log do', async () => {
  const env = { DATABASE_URL: database.url, TRUSTED_PROXIES: 'loopback', LOG_LEVEL: 'debug' };
  const gatehouse = await GatehouseProcess.start(env);
  try {
    await gatehouse.call('GET', '/nothing', { headers: { 'X-Forwarded-For': '203.0.113.9:4444, [::1]:443' } });
    const lines = await waitFor(() => gatehouse.output.match(/^.*"msg":"request".*$/gm) ?? false);
    expect(lines.map((line) => JSON.parse(line).ip)).toEqual(['203.0.113.9']);
  } finally {
    await gatehouse.stop();
  }
});

test('a forwarded host or scheme reaches no issuer, no document and no redirect', async () => {
  const headers = {
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'https',
    Forwarded: 'host=evil.example',
    'X-Forwarded-Port': '1',
  };
  for (const gatehouse of [direct, behind]) {
    const body = { email: person.user.email, password: 'violet tractor under snow' };
    const { accessToken } = (await gatehouse.call<SignedUp>('POST', '/v1/auth/login', { body, headers })).body;
    expect(JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).iss).toBe(
      'http://gatehouse.test',
    );
    for (const path of ['/openapi.json', '/docs', '/.well-known/jwks.json', '/nothing']) {
      const answer = await gatehouse.call('GET', path, { headers });
      expect(answer.text).not.toContain('evil.example');
      expect(answer.headers.get('location')).toBeNull();
    }
  }
});

test('a user agent is kept as it is, cut to 512 characters', async () => {
  for (const agent of ['<script>alert(1)</script>', "x'); DROP TABLE sessions;--", 'a'.repeat(3000), '\u00e9']) {
    const body = { email: person.user.email, password: 'violet tractor under snow' };
    const answer = await direct.call<SignedUp>('POST', '/v1/auth/login', { body, headers: { 'user-agent': agent } });
    const list = await direct.call<{ items: { userAgent: string; device: string; current: boolean }[] }>(
      'GET',
      '/v1/sessions',
      { token: answer.body.accessToken },
    );
    const session = list.body.items.find(({ current }) => current);
    expect(session?.userAgent).toBe(agent.slice(0, 512));
    expect(session?.device).not.toBe('');
  }
});
