import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import { closeStalled, limitPipelining } from './connections.js';

/** Far more than the kernel takes from a server whose client reads nothing. */
const SIZE = 24 * 1024 * 1024;
const LIMITS = { timeout: 500, interval: 50 };
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < SIZE; sent += 16_384) yield Buffer.alloc(16_384);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A client that reads only when it is asked to. */
function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1', () => socket.write(REQUEST));
  socket.on('error', () => undefined);
  return socket.pause();
}

describe('an answer that nobody takes', () => {
  let server: Server;
  let port: number;
  let answer: (response: import('node:http').ServerResponse) => void;

  beforeEach(async () => {
    answer = (response) => Readable.from(pieces()).pipe(response);
    server = createServer((_, response) => answer(response));
    closeStalled(server, LIMITS);
    port = await listen(server);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** The server's end of the next connection. */
  const accepted = () => new Promise<Socket>((resolve) => server.once('connection', resolve));
  const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

  test('is given up, and the client can tell that it is not whole', async () => {
    const far = accepted();
    const client = open(port);
    await closed(await far);
    let received = '';
    client.on('data', (chunk) => (received += chunk.toString('latin1')));
    client.resume();
    await closed(client);
    expect(received.length).toBeLessThan(SIZE / 4);
    expect(received).toMatch(/\r\nTransfer-Encoding: chunked\r\n/);
    expect(received.endsWith('0\r\n\r\n')).toBe(false);
  });

  test('is given up also where the client goes on sending', async () => {
    const far = accepted();
    const client = open(port);
    const sending = setInterval(() => client.write(REQUEST), 50);
    await closed(await far);
    clearInterval(sending);
    client.destroy();
  });

  test('is sent to its end to a client that reads slowly, however long that takes', async () => {
    const client = open(port);
    let received = 0;
    const began = performance.now();
    while (received < SIZE) {
      const chunk: Buffer | null = client.read();
      received += chunk?.length ?? 0;
      expect(client.destroyed).toBe(false);
      await pause(2);
    }
    expect(performance.now() - began).toBeGreaterThan(LIMITS.timeout * 1.2);
    client.destroy();
  });

  test('is waited for where it is still being made', async () => {
    answer = (response) => void setTimeout(() => response.end('late'), LIMITS.timeout * 3);
    const client = open(port);
    const text = await new Promise<string>((resolve) =>
      client.once('data', (chunk) => resolve(String(chunk))).resume(),
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    client.destroy();
  });
});

describe('pipelined requests', () => {
  let app: FastifyInstance;
  let port: number;
  let handled = 0;

  beforeEach(async () => {
    handled = 0;
    app = fastify();
    limitPipelining(app);
    app.get('/', async () => {
      handled++;
      await pause(1);
      return 'ok';
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    port = (app.server.address() as AddressInfo).port;
  });
  afterEach(() => app.close());

  function send(count: number): Promise<{ answers: number; closed: boolean }> {
    return new Promise((resolve) => {
      let text = '';
      const finish = (closed: boolean) => {
        client.destroy();
        resolve({ answers: text.match(/HTTP\/1\.1 200/g)?.length ?? 0, closed });
      };
      const client = connect(port, '127.0.0.1', () => client.write(REQUEST.repeat(count)));
      client.on('error', () => undefined);
      client.on('close', () => finish(true));
      client.on('data', (chunk) => {
        text += chunk;
        if (text.match(/HTTP\/1\.1 200/g)?.length === count) finish(false);
      });
    });
  }

  test('sixteen behind the first are answered, again and again', async () => {
    expect(await send(17)).toEqual({ answers: 17, closed: false });
    expect(await send(17)).toEqual({ answers: 17, closed: false });
  });

  test('ten thousand at once end the connection, and most of them reach no handler', async () => {
    const { answers, closed } = await send(10_000);
    expect(closed).toBe(true);
    expect(answers).toBeLessThan(300);
    expect(handled).toBeLessThan(300);
  });
});
