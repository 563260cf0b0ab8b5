import { connect, type Socket } from 'node:net';
import { createDatabase, type TestDatabase } from './support/database.js';
import { GatehouseProcess } from './support/gatehouse.js';

/** Slow senders hold no connection for long, and nobody else up (Slowloris, R.U.D.Y.). */
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

/** Opens a connection, sends `head`, and then `crumb` twice a second. Resolves once the server has ended it. */
function trickle(head: string, crumb: string): Promise<{ seconds: number; received: string }> {
  const { hostname, port } = new URL(gatehouse.url);
  const began = performance.now();
  return new Promise((resolve) => {
    let received = '';
    const socket: Socket = connect(Number(port), hostname, () => socket.write(head));
    const feeding = setInterval(() => crumb && socket.writable && socket.write(crumb), 500);
    socket.on('data', (chunk) => (received += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(feeding);
      resolve({ seconds: (performance.now() - began) / 1000, received });
    });
  });
}

const START = 'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\n';

test('a request that does not arrive whole within 10 s is cut off, however it dawdles, and others are served meanwhile', async () => {
  const slow = {
    headers: () => trickle(START, 'x: y\r\n'),
    aHeader: () => trickle(`${START}x-long: `, 'a'),
    theRequestLine: () => trickle('GET /', 'a'),
    body: () => trickle(`${START}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`, ' '),
    chunks: () => trickle(`${START}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'),
    nothing: () => trickle('', ''),
  };
  const ended = Promise.all(Object.values(slow).flatMap((open) => Array.from({ length: 20 }, open)));
  const { status } = await gatehouse.call('POST', '/v1/auth/login', {
    body: { email: 'a@example.com', password: 'x' },
  });
  expect(status).toBe(401);
  for (const { seconds, received } of await ended) {
    expect(seconds).toBeGreaterThan(8);
    expect(seconds).toBeLessThan(20);
    expect(received).not.toMatch(/\bat \S+ \(|node_modules|Error:/);
  }
  const told = (await ended).filter(({ received }) => received.startsWith('HTTP/1.1 408'));
  expect(told.length).toBe(120);
  for (const { received } of told) {
    const body = JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4));
    expect(body).toMatchObject({ status: 408, code: 'invalid_request' });
  }
});

test.each([
  ['headers beyond 16 KiB', `${START}x-long: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ['many headers', `${START}${'abc: def\r\n'.repeat(5000)}\r\n`, 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400],
  ['a length twice', `${START}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
  ['a length and chunks', `${START}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a header with a bare line feed', `${START}x: a\nb\r\n\r\n`, 400],
  ['HTTP/9.9', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
])('%s is answered as a problem and ends the connection', async (_what, bytes, status) => {
  const { received, seconds } = await trickle(bytes, '');
  expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(received).toMatch(/\r\nContent-Type: application\/problem\+json/);
  expect(JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4))).toMatchObject({
    status,
    code: 'invalid_request',
  });
  expect(seconds).toBeLessThan(8);
});
