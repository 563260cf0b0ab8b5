import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Pool } from 'pg';
import { PooledClient } from './pooled-client.js';

/** Messages of Postgres: a letter, the length, and what is in it. */
const message = (letter: string, ...fields: (string | number)[]): Buffer => {
  const body = Buffer.concat(
    fields.map((field) => {
      if (typeof field === 'string') return Buffer.from(`${field}\0`);
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(field);
      return bytes;
    }),
  );
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(letter), length, body]);
};
const WELCOME = Buffer.concat([message('R', 0), message('K', 1, 1), Buffer.from([0x5a, 0, 0, 0, 5, 0x49])]);
const GOODBYE = message('E', 'SFATAL', 'C57P01', 'Mterminating connection due to unexpected postmaster exit', '');

let server: Server;
let pool: Pool;

/** Its last words are in one packet with its first: the event loop was busy in between. */
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.concat([WELCOME, GOODBYE])));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  pool = new Pool({ Client: PooledClient, host: '127.0.0.1', port, user: 'gate', ssl: false });
  pool.on('error', () => undefined);
});

afterAll(async () => {
  await pool?.end();
  server?.close();
});

test('a connection that ends in the moment in which it is made ends no process: what is asked of it is refused', async () => {
  const client = await pool.connect();
  await expect(client.query('SELECT 1')).rejects.toThrow(/not queryable|terminat/i);
  client.release(true);
});
