import type { FastifyInstance } from 'fastify';
import { parseStrictJson } from '../common/strict-json.js';
import { Problem } from './problem.js';

const JSON_UTF8 = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i;

/**
 * Bodies are strict JSON in UTF-8 and nothing else. Another content type is refused, and so is an encoding (RFC 9110,
 * 8.4): what is packed is not read as it stands. A body of no bytes is none, whatever it is said to be: many clients name
 * a type for it.
 */
export function acceptStrictJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  // Fastify refuses a type that it cannot read before it looks for a body, and takes what has no type to the parser of all.
  fastify.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    const { 'content-type': type, 'content-encoding': encoding = 'identity' } = headers;
    if (type !== undefined && !(JSON_UTF8.test(type) && encoding === 'identity')) headers['content-type'] = undefined;
    done();
  });
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
    try {
      done(null, parseStrictJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.addContentTypeParser('*', (request, body, done) => {
    if (request.is404) return done(null, undefined);
    const end = (error: Error | null) => {
      body.off('data', refuse).off('end', empty).off('error', end);
      done(error, undefined);
    };
    const refuse = () => end(new Problem('unsupported_media_type'));
    const empty = () => end(null);
    body.on('data', refuse).on('end', empty).on('error', end);
  });
}
