import http from 'node:http';
import fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { undocumented } from '../support/document.js';
import { Api, type CallOptions, GatehouseProcess } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, signIn, signUp } from '../support/users.js';
import { type Document, type FuzzedRequest, MARK, requestsOf, sweepOf } from './requests-of.js';

/** Whatever is sent to whatever route: an answer, soon, that is as documented and tells nothing. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 10_000);
/** The same requests in every run, so that a failure is the change's; another seed goes hunting. */
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Sent at the same moment. */
const BATCH = 25;
/** Milliseconds in which an answer must come: a request that hangs is cut off later than this. */
const TIMEOUT = 8_000;
const STACK =
  /\bat (?:async )?[\w.<>]+ \(|node_modules|\.(?:ts|js):\d+|QueryFailedError|SELECT |INSERT |syntax error|ZodError|fastify|FST_ERR|typeorm/i;

const database: TestDatabase = await createDatabase();
const gatehouse: GatehouseProcess = await GatehouseProcess.start({
  DATABASE_URL: database.url,
  HASH_QUEUE: '1000',
  RATE_LIMITS: 'on',
  TRUSTED_PROXIES: 'loopback',
  LOG_LEVEL: 'debug',
  BOOTSTRAP_ADMIN_EMAIL: 'root@example.com',
  BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
});
const document = (await gatehouse.call<Document>('GET', '/openapi.json')).body;
const agent = new http.Agent({ keepAlive: true, maxSockets: BATCH });

afterAll(async () => {
  agent.destroy();
  await gatehouse.stop();
  await database.drop();
});

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method,
    operation,
    name: `${method.toUpperCase()} ${path}`,
  })),
);

let sent = 0;
/** An address that no request has come from, IPv4 or IPv6: with limits on, none may stand in another one's way. */
function freshAddress(): string {
  const count = ++sent;
  return count % 2 ? `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}` : `2001:db8:${count.toString(16)}::1`;
}

/** The server as the maker of the tokens reaches it. */
class FromAnywhere extends Api {
  override call<Body = Record<string, never>>(method: string, path: string, options: CallOptions = {}) {
    const headers = { ...options.headers, 'x-forwarded-for': freshAddress() };
    return super.call<Body>(method, path, { ...options, headers });
  }
}
const api = new FromAnywhere(gatehouse.url);

/** Good tokens, made anew as the fuzzer ends their sessions, or has guessed too often at their password. */
const tokens = { user: '', admin: '' };
async function renew(): Promise<void> {
  const alive = async (token: string) =>
    (await api.call('GET', '/v1/users/me', { token: token || 'none' })).status === 200;
  if (!(await alive(tokens.user))) tokens.user = (await signUp(api)).accessToken;
  if (await alive(tokens.admin)) return;
  const root = await api.call('POST', '/v1/auth/login', { body: { email: 'root@example.com', password: PASSWORD } });
  tokens.admin =
    root.status === 200 ? (root.body as unknown as { accessToken: string }).accessToken : await anotherAdmin();
}

/** The fuzzer may have changed or deleted the first admin. */
async function anotherAdmin(): Promise<string> {
  const email = freshEmail();
  const { user } = await signUp(api, { email });
  await database.query(`INSERT INTO user_roles VALUES ($1, 'admin') ON CONFLICT DO NOTHING`, [user.id]);
  return (await signIn(api, email)).accessToken;
}

interface Answered {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

function send({ method, path, sender, headers, body }: FuzzedRequest): Promise<Answered> {
  const authorization =
    sender.kind === 'forger'
      ? sender.authorization
      : sender.kind === 'nobody'
        ? undefined
        : `Bearer ${tokens[sender.kind]}`;
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gatehouse.url);
    const request = http.request({
      hostname,
      port,
      agent,
      method,
      path,
      timeout: TIMEOUT,
      headers: {
        'x-forwarded-for': freshAddress(),
        ...headers,
        ...(body && { 'content-length': body.length }),
        ...(authorization !== undefined && { authorization }),
      },
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.end(body);
  });
}

/** What is wrong with an answer, or nothing. */
function faultOf({ status, headers, text }: Answered, { method, path, body }: FuzzedRequest): string | null {
  // The body of a GET means nothing (RFC 9110, 9.3.1): it is not read, and so not taken.
  const sent = method === 'GET' ? undefined : body?.toString();
  const unsaid = undocumented({ method, path, sent, status, headers: headersOf(headers), text });
  if (status >= 500) return `answers ${status}: ${text}`;
  if (text.length > 20_000 && status >= 400) return `says too much: ${text.length}`;
  if (text.includes(MARK)) return `echoes a secret: ${text}`;
  if (unsaid.length > 0) return `is not as documented (${unsaid.join('; ')}): ${status} ${text}`;
  if (status < 400) return null;
  // A pointer says again what the client has named something.
  if (STACK.test(text.replace(/"pointer":"(?:[^"\\]|\\.)*"/g, ''))) return `tells of its inside: ${text}`;
  if (!/^application\/problem\+json/.test(headers['content-type'] ?? '')) return `is no problem document: ${text}`;
  const problem = JSON.parse(text) as Record<string, unknown>;
  if (problem.status !== status || problem.requestId !== headers['x-request-id'] || typeof problem.code !== 'string')
    return `is not as RFC 9457: ${text}`;
  return null;
}

function headersOf(headers: http.IncomingHttpHeaders): Headers {
  return new Headers(Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]));
}

test.each(operations)('$name', async ({ path, method, operation }) => {
  tokens.user = '';
  const faults: string[] = [];
  const answered: number[] = [];
  const count = Math.max(100, Math.ceil(REQUESTS / operations.length));
  const requests = [
    ...sweepOf(document, path, method, operation),
    ...fc.sample(requestsOf(document, path, method, operation), { numRuns: count, seed: SEED }),
  ];
  for (let from = 0; from < requests.length && faults.length < 5; from += BATCH) {
    await renew();
    const batch = requests.slice(from, from + BATCH);
    const answers = await Promise.all(batch.map(send));
    answered.push(...answers.map(({ status }) => status));
    for (const [index, answer] of answers.entries()) {
      const request = batch[index] as FuzzedRequest;
      const fault = faultOf(answer, request);
      if (fault) faults.push(`${fault}, to ${show(request)} (FUZZ_SEED=${SEED})`);
    }
  }
  expect(faults).toEqual([]);
  // The limits are on and stand in the way of few: what a refused request asks for is not tried.
  expect(answered.filter((status) => status === 429).length).toBeLessThan(answered.length / 10);
});

function show({ body, ...request }: FuzzedRequest): string {
  return JSON.stringify({ ...request, body: body?.toString().slice(0, 300) });
}

test('no secret that was sent stands in the log, and nothing went wrong inside', async () => {
  const bad = [MARK, tokens.user, 'internal_error', 'UnhandledPromise', 'Warning:'];
  expect(gatehouse.output.split('\n').filter((line) => bad.some((part) => line.includes(part)))).toEqual([]);
  expect(gatehouse.process.exitCode).toBeNull();
});
