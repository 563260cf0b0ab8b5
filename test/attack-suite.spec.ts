import { spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDatabase, type TestDatabase } from './support/database.js';
import { Gatehouse } from './support/gatehouse.js';
import { PASSWORD, signUp } from './support/users.js';

/** `npm run attack`: our own server holds, a weak one is found out, and what was skipped is not called held. */
const RUN = fileURLToPath(new URL('../attack/run.js', import.meta.url));
const SIGN_UP = 'told by sign-up';
const GUESSING = ['many wrong passwords', 'pretending to come from elsewhere'];

interface Report {
  held: number;
  vulnerable: number;
  skipped: number;
  requests: number;
  attacks: { category: string; name: string; outcome: string; detail: string | null }[];
}

function run(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [RUN, ...args], { env: { PATH: process.env.PATH } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

async function attack(url: string, ...args: string[]) {
  const { code, stdout, stderr } = await run([url, '--json', ...args]);
  if (stdout === '') throw new Error(`ended with ${code}: ${stderr}`);
  const report = JSON.parse(stdout) as Report;
  const named = (outcome: string) => report.attacks.filter((one) => one.outcome === outcome).map(({ name }) => name);
  return {
    code,
    stdout,
    stderr,
    report,
    vulnerable: named('vulnerable'),
    held: named('held'),
    skipped: named('skipped'),
  };
}

describe('our own server', () => {
  let database: TestDatabase;
  const started: Gatehouse[] = [];

  const start = async (env: Record<string, string>) => {
    const gatehouse = await Gatehouse.start({ DATABASE_URL: database.url, ...env });
    started.push(gatehouse);
    return gatehouse;
  };

  beforeAll(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const gatehouse of started.splice(0)) await gatehouse.stop();
  });
  afterAll(() => database?.drop());

  test('without limits all holds but guessing, which is left out when that is said', async () => {
    const { url } = await start({});
    const said = await attack(url, '--limits-off');
    expect([said.code, said.stderr, said.vulnerable]).toEqual([0, '', []]);
    expect(said.skipped).toEqual([SIGN_UP, ...GUESSING]);
    expect(said.held.length).toBeGreaterThan(30);
    // What the run has made, it has removed.
    expect(await database.query(`SELECT FROM users WHERE email LIKE 'attack-%'`)).toEqual([]);
  });

  test('with limits all holds, but where the attacker is trusted to be a proxy', async () => {
    // Dear enough for the machine's own noise to be small beside it.
    const limited = await start({ RATE_LIMITS: 'on', BCRYPT_COST: '8' });
    // Guesses are counted by address, and both come from this one.
    const other = await createDatabase();
    const trusting = await start({ DATABASE_URL: other.url, RATE_LIMITS: 'on', TRUSTED_PROXIES: 'loopback' });
    const [strict, spoofed] = await Promise.all([attack(limited.url), attack(trusting.url)]);
    await trusting.stop();
    await other.drop();
    expect([strict.code, strict.stderr, strict.vulnerable]).toEqual([0, '', []]);
    // What a limit stands in the way of is not called held.
    expect(strict.skipped).toEqual([SIGN_UP]);
    expect(strict.held).toEqual(expect.arrayContaining([...GUESSING, 'told by the time of sign-in']));
    expect(strict.report.requests).toBeLessThan(600);
    expect([spoofed.code, spoofed.vulnerable]).toEqual([1, ['pretending to come from elsewhere']]);
  });

  test('stopped half way it removes what it has made, and says how far it came', async () => {
    const { url } = await start({});
    const child = spawn(process.execPath, [RUN, url], { env: { PATH: process.env.PATH } });
    const said = text(child.stdout);
    child.stdout.once('data', () => child.kill('SIGINT'));
    const [code] = await once(child, 'close');
    expect([code, await said]).toEqual([130, expect.stringMatching(/\n[1-9]\d? held, 0 vulnerable, 0 skipped;/)]);
    expect(await database.query(`SELECT FROM users WHERE email LIKE 'attack-%'`)).toEqual([]);
  });

  test('with sign-up closed takes two accounts that are given, and leaves them as they were', async () => {
    const [open, { url }] = await Promise.all([start({}), start({ SIGNUP: 'closed' })]);
    const people = [await signUp(open), await signUp(open)];
    const without = await run([url]);
    expect([without.code, without.stderr]).toEqual([64, expect.stringContaining('Signing up is closed')]);
    const accounts = people.flatMap(({ user }) => ['--account', `${user.email}:${PASSWORD}`]);
    const { code, vulnerable, skipped } = await attack(url, ...accounts);
    // Nobody has said that the limits are off on purpose.
    expect([code, vulnerable]).toEqual([1, GUESSING]);
    expect(skipped).toEqual(expect.arrayContaining(['use after a password change', 'confirming with their password']));
    for (const { user } of people) {
      const answer = await open.call('POST', '/v1/auth/login', { body: { email: user.email, password: PASSWORD } });
      expect(answer.status).toBe(200);
    }
    const wrong = await run([url, ...accounts.with(1, `${people[0]?.user.email}:wrong`)]);
    expect([wrong.code, wrong.stderr]).toEqual([64, expect.stringContaining('Cannot sign in as')]);
    expect(wrong.stderr).not.toContain(PASSWORD);
  });
});

describe('another server', () => {
  let server: Server;
  let url: string;
  let registered = 0;
  let weakness: 'forgets logout, takes alg none' | 'limits all' | 'mails first';

  beforeAll(async () => {
    server = createServer((request, response) => {
      const isLimited = weakness === 'limits all' && (request.url !== '/v1/auth/register' || ++registered > 2);
      const [status, body] = isLimited ? [429, { code: 'rate_limited' }] : weakAnswer(request, weakness);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('that takes alg none and forgets logout is VULNERABLE in just that, and nothing secret is told', async () => {
    weakness = 'forgets logout, takes alg none';
    const [{ code, vulnerable, held, stdout }, forPeople] = await Promise.all([
      attack(url, '--limits-off'),
      run([url, '--limits-off']),
    ]);
    expect(code).toBe(1);
    expect(vulnerable).toEqual(
      expect.arrayContaining(['alg none, in every spelling', 'use after logout', 'use after logout everywhere']),
    );
    expect(held).toEqual(expect.arrayContaining(['single flipped bits', 'headers that bring or name another key']));
    expect(stdout).not.toMatch(/eyJ[\w-]+\.eyJ/);
    expect([forPeople.code, forPeople.stdout]).toEqual([
      1,
      expect.stringMatching(/VULNERABLE {2}alg none[^\n]*\n +A token/),
    ]);
    expect(forPeople.stdout).toMatch(/\d+ held, \d+ vulnerable, \d+ skipped; \d+ requests\.\n$/);
  });

  test('that says yes to everything is VULNERABLE in everything', async () => {
    const known = new Set<string>();
    const yes = createServer(async (request, response) => {
      const body = await text(request);
      const email = /"email":"([^"]+)"/.exec(body)?.[1] ?? '';
      if (request.url === '/v1/auth/register') known.add(email);
      // As long as a slow hash takes: more than a busy machine adds to either.
      else if (/login|forgot/.test(request.url ?? '') && known.has(email)) await pause(150);
      const allowed = { 'access-control-allow-origin': request.headers.origin ?? '*' };
      response.writeHead(request.url === '/v1/auth/register' ? 201 : 200, { ...allowed, 'set-cookie': 'refresh=x' });
      response.end(JSON.stringify(everything()));
    });
    await new Promise<void>((resolve) => yes.listen(0, '127.0.0.1', resolve));
    try {
      const { held, skipped, code } = await attack(`http://127.0.0.1:${(yes.address() as AddressInfo).port}`);
      expect([held, skipped, code]).toEqual([[], [], 1]);
    } finally {
      await new Promise((resolve) => yes.close(resolve));
    }
  });

  test('that answers every signed-up user with 429 has held in nothing', async () => {
    weakness = 'limits all';
    const { held, vulnerable, report, stderr } = await attack(url, '--limits-off');
    expect([held, vulnerable]).toEqual([[], []]);
    expect(stderr).toMatch(/^The account attack-\w+@example.com could not be removed/);
    expect(report.attacks[0]?.detail).toContain('Rate limited');
  });

  test('that wants an email confirmed is told so', async () => {
    weakness = 'mails first';
    const { code, stderr } = await run([url]);
    expect([code, stderr]).toEqual([64, expect.stringContaining('needs an email to be confirmed')]);
  });
});

const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const mac = (input: string) => createHmac('sha256', 'held by the test').update(input).digest('base64url');

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What every route of the worst server answers: new tokens, somebody, and a key. */
function everything() {
  const input = `${b64({ typ: 'at+jwt', alg: 'ES256', kid: 'k' })}.${b64({ sub: 'x', sid: 'x', jti: 'x' })}`;
  const user = { id: 'x', email: 'x@example.com', roles: ['user'], createdAt: randomUUID(), emailVerified: true };
  return {
    ...user,
    user,
    accessToken: `${input}.${mac(input)}`,
    refreshToken: randomUUID(),
    session: { id: randomUUID() },
    keys: [publicKey.export({ format: 'jwk' })],
  };
}

/** A server that looks right: tokens under an HMAC, none of which it ever ends. */
function weakAnswer({ method, url, headers }: IncomingMessage, weakness: string): [status: number, body: object] {
  const route = `${method} ${url}`;
  if (route === 'POST /v1/auth/register' && weakness === 'mails first') return [202, { message: 'See your mail' }];
  if (/register|login/.test(route)) {
    const input = `${b64({ typ: 'at+jwt', alg: 'HS256', kid: 'k' })}.${b64({ sub: 'somebody', sid: 'session' })}`;
    const tokens = { accessToken: `${input}.${mac(input)}`, refreshToken: 'refresh', session: { id: 'session' } };
    return [route.endsWith('register') ? 201 : 200, tokens];
  }
  if (route === 'DELETE /v1/users/me') return [204, {}];
  if (route.startsWith('POST /v1/auth/logout')) return [200, {}];
  if (route !== 'GET /v1/auth/session') return [404, {}];
  const [header = '', claims = '', signature] = (headers.authorization ?? '').replace('Bearer ', '').split('.');
  const isNone = /"alg":"none"/i.test(Buffer.from(header, 'base64url').toString());
  return isNone || signature === mac(`${header}.${claims}`) ? [200, {}] : [401, {}];
}

test.each<[words: string, code: number, args: string[]]>([
  ['--i-own-this-host', 64, ['https://example.com']],
  ['--i-own-this-host', 64, ['http://127.0.0.1.evil.example']],
  ['--i-own-this-host', 64, ['http://localhost@evil.example']],
  ['--i-own-this-host', 64, ['http://0.0.0.0:3000']],
  ['Name one deployment', 64, []],
  ['Name one deployment', 64, ['localhost:3000']],
  ['Name one deployment', 64, ['http://localhost:1', 'http://localhost:2']],
  ['Unknown option', 64, ['http://localhost:1', '--bogus']],
  ['--account email:password twice', 64, ['http://localhost:1', '--account', 'a@b.c:x']],
  ['two different accounts', 64, ['http://localhost:1', '--account', 'a@b.c:x', '--account', 'A@b.c:x']],
  ['got no answer (ECONNREFUSED)', 69, ['http://127.0.0.1:2']],
  ['--json', 0, ['--help']],
])('%s (exit %i)', async (words, code, args) => {
  const { code: ended, stdout, stderr } = await run(args);
  expect([ended, stdout + stderr]).toEqual([code, expect.stringContaining(words)]);
  expect(stderr).not.toMatch(/ {4}at |node_modules/);
});
