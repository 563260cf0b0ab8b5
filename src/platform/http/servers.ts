import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import fastifySymbols from 'fastify/lib/symbols.js';

/**
 * Prepares each server before it takes its first request. For `localhost` Fastify listens at each of its addresses, by a server
 * of its own, and tells of one alone. Call it before `listen`.
 */
export function forEachServer(fastify: FastifyInstance, prepare: (server: Server) => void): void {
  prepare(fastify.server);
  fastify.addHook('onListen', (done) => {
    // Fastify declares no type for what it keeps under its own symbols.
    const others = (fastify as unknown as Record<symbol, Server[]>)[fastifySymbols.kServerBindings] ?? [];
    for (const server of others) prepare(server);
    done();
  });
}
