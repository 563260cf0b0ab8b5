import type { FastifyInstance } from 'fastify';
import { Deadline, underDeadline } from './deadline.js';

declare module 'fastify' {
  interface FastifyRequest {
    databaseDeadline?: Deadline;
  }
}

/** Lets each request wait for the database for so many milliseconds in all. Comes before whatever asks the database. */
export function limitDatabaseTime(fastify: FastifyInstance, limit: number): void {
  fastify.decorateRequest('databaseDeadline', undefined);
  fastify.addHook('onRequest', (request, _, done) => {
    request.databaseDeadline = new Deadline(limit);
    underDeadline(request.databaseDeadline, done);
  });
  // A body arrives by events of the socket, which know nothing of the request.
  fastify.addHook('preValidation', (request, _, done) => {
    if (request.databaseDeadline) underDeadline(request.databaseDeadline, done);
    else done();
  });
  fastify.addHook('onResponse', (request, _, done) => {
    request.databaseDeadline?.finish();
    done();
  });
}
