import dns from 'node:dns';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { fastify } from 'fastify';
import { forEachServer } from './servers.js';

const BOTH = ['127.0.0.1', '127.0.0.2'];

test('each server is prepared once, also where a name has two addresses', async () => {
  const app = fastify();
  const prepared: string[] = [];
  forEachServer(app, (server) =>
    server.once('request', () => prepared.push((server.address() as AddressInfo).address)),
  );
  app.get('/', () => 'here');
  // Node asks for the one address to listen at, and Fastify for all of them.
  const lookup = (name: string, ...rest: unknown[]) => {
    const found = rest.at(-1) as (...answer: unknown[]) => void;
    if (rest.length === 1) found(null, name === 'localhost' ? BOTH[0] : name, 4);
    else
      found(
        null,
        BOTH.map((address) => ({ address })),
      );
  };
  // Its real type has six overloads, of which a function of ours can have one.
  jest.spyOn(dns, 'lookup').mockImplementation(lookup as never);
  await app.listen({ port: 0, host: 'localhost' });
  const { port } = app.server.address() as AddressInfo;
  try {
    for (const address of BOTH) await fetch(`http://${address}:${port}/`);
    expect(prepared).toEqual(BOTH);
  } finally {
    await app.close();
  }
});
