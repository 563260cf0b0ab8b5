import { fastify } from 'fastify';

/** Fastify with nothing around it, answering the bytes of BODY with the headers of HEADERS. */
const { BODY = '{}', HEADERS = '{}' } = process.env;
const body = JSON.parse(BODY);
const headers = JSON.parse(HEADERS);
const app = fastify();
app.get('/v1/auth/session', (_request, reply) => {
  reply.headers(headers);
  return body;
});
console.log(`serves on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
process.on('SIGTERM', () => app.close());
