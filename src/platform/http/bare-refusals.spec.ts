import dns from 'node:dns';
import { connect } from 'node:net';
import { jest } from '@jest/globals';
import { fastify } from 'fastify';
import { HOST_IS_CHECKED_HERE, takeBareRefusals } from './bare-refusals.js';
import { refuseUnreadable } from './client-errors.js';

/** For the name localhost Fastify makes a server for each address that it has: all of them refuse alike. */

const BOTH = ['127.0.0.1', '127.0.0.2'];
type One = (error: null, address: string | undefined, family: number) => void;

const app = fastify({ clientErrorHandler: refuseUnreadable, http: HOST_IS_CHECKED_HERE });
let port: number;

beforeAll(async () => {
  takeBareRefusals(app);
  app.get('/', () => 'here');
  // Node asks for the one address to listen at, and Fastify for all of them.
  const lookup = (
    ...[name, ...rest]: [string, { all: true }, (error: null, found: unknown[]) => void] | [string, One]
  ) =>
    rest.length === 1
      ? rest[0](null, name === 'localhost' ? BOTH[0] : name, 4)
      : rest[1](
          null,
          BOTH.map((address) => ({ name, address })),
        );
  jest.spyOn(dns, 'lookup').mockImplementation(lookup as never);
  await app.listen({ port: 0, host: 'localhost' });
  ({ port } = app.server.address() as { port: number });
});
afterAll(() => app.close());

function send(host: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, host, () => socket.end(bytes));
    socket.on('data', (chunk) => (text += chunk)).on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

test.each(BOTH)('%s', async (address) => {
  expect(await send(address, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 200 [\s\S]*here$/);
  for (const [bytes, status] of [
    ['nonsense\r\n\r\n', 400],
    ['CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
  ] as const) {
    const text = await send(address, bytes);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*\\r\\nContent-Type: application/problem\\+json`));
  }
  // The application has no error filter here; what counts is that it is asked.
  expect(await send(address, 'GET / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n')).toMatch(/"message":"invalid_request"/);
  expect(await send(address, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/"message":"invalid_request"/);
});
