import http from 'node:http';
import fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { GatehouseProcess } from '../support/gatehouse.js';
import { freshEmail, PASSWORD, signIn, signUp } from '../support/people.js';
import { type Document, type FuzzedRequest, MARK, type Operation, requestsOf, sweepOf } from './requests-of.js';

/** Whatever is sent to whatever route: an answer, soon, that is as documented and tells nothing. */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 10_000);
/** The same requests in every run, so that a failure is the change's; another seed goes hunting. */
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Sent at the same moment. */
const BATCH = 25;
/** Milliseconds in which an answer must come: a request that hangs is cut off later than this. */
const PATIENCE = 8_000;
const STACK =
  /\bat (?:async )?[\w.<>]+ \(|node_modules|\.(?:ts|js):\d+|QueryFailedError|SELECT |INSERT |syntax error|ZodError|fastify|FST_ERR|typeorm/i;

const database: TestDatabase = await createDatabase();
const gatehouse: GatehouseProcess = await GatehouseProcess.start({
  DATABASE_URL: database.url,
  HASH_QUEUE: '1000',
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

/** Good tokens, made anew as the fuzzer ends their sessions. */
const tokens = { user: '', admin: '' };
async function renew(): Promise<void> {
  const alive = async (token: string) =>
    (await gatehouse.call('GET', '/v1/users/me', { token: token || 'none' })).status === 200;
  if (!(await alive(tokens.user))) tokens.user = (await signUp(gatehouse)).accessToken;
  if (await alive(tokens.admin)) return;
  const root = await gatehouse.call('POST', '/v1/auth/login', {
    body: { email: 'root@example.com', password: PASSWORD },
  });
  tokens.admin =
    root.status === 200 ? (root.body as unknown as { accessToken: string }).accessToken : await anotherAdmin();
}

/** The fuzzer may have changed or deleted the first admin. */
async function anotherAdmin(): Promise<string> {
  const email = freshEmail();
  const { user } = await signUp(gatehouse, { email });
  await database.query(`INSERT INTO user_roles VALUES ($1, 'admin') ON CONFLICT DO NOTHING`, [user.id]);
  return (await signIn(gatehouse, email)).accessToken;
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
      timeout: PATIENCE,
      headers: {
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
function faultOf({ status, headers, text }: Answered, { responses, requestBody }: Operation): string | null {
  // A body that nobody asked for is refused for its kind or its size first.
  const documented = String(status) in responses || (!requestBody && (status === 413 || status === 415));
  if (status >= 500) return `answers ${status}: ${text}`;
  if (text.length > 20_000 && status >= 400) return `says too much: ${text.length}`;
  if (text.includes(MARK)) return `echoes a secret: ${text}`;
  if (!documented) return `answers ${status}, which is not documented: ${text}`;
  if (status < 400) return null;
  // A pointer says again what the client has named something.
  if (STACK.test(text.replace(/"pointer":"(?:[^"\\]|\\.)*"/g, ''))) return `tells of its inside: ${text}`;
  if (!/^application\/problem\+json/.test(headers['content-type'] ?? '')) return `is no problem document: ${text}`;
  const problem = JSON.parse(text) as Record<string, unknown>;
  if (problem.status !== status || problem.requestId !== headers['x-request-id'] || typeof problem.code !== 'string')
    return `is not as RFC 9457: ${text}`;
  return null;
}

test.each(operations)('$name', async ({ path, method, operation }) => {
  const faults: string[] = [];
  const count = Math.max(100, Math.ceil(REQUESTS / operations.length));
  const requests = [
    ...sweepOf(document, path, method, operation),
    ...fc.sample(requestsOf(document, path, method, operation), { numRuns: count, seed: SEED }),
  ];
  for (let from = 0; from < requests.length && faults.length < 5; from += BATCH) {
    await renew();
    const batch = requests.slice(from, from + BATCH);
    const answers = await Promise.all(batch.map(send));
    for (const [index, answer] of answers.entries()) {
      const fault = faultOf(answer, operation);
      if (fault) faults.push(`${fault}, to ${show(batch[index] as FuzzedRequest)} (FUZZ_SEED=${SEED})`);
    }
  }
  expect(faults).toEqual([]);
});

function show({ body, ...request }: FuzzedRequest): string {
  return JSON.stringify({ ...request, body: body?.toString().slice(0, 300) });
}

test('no secret that was sent stands in the log, and nothing went wrong inside', async () => {
  const bad = [MARK, tokens.user, 'internal_error', 'UnhandledPromise', 'Warning:'];
  expect(gatehouse.output.split('\n').filter((line) => bad.some((part) => line.includes(part)))).toEqual([]);
  expect(gatehouse.process.exitCode).toBeNull();
});
