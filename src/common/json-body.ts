import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';
import { parseStrictJson } from './strict-json.js';

const JSON_UTF8 = /^application\/json\s*(?:;\s*charset=(?:utf-8|"utf-8")\s*)?$/i;

/** Bodies are strict JSON in UTF-8 and nothing else; every other content type is refused before a byte is read. */
export function acceptStrictJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!JSON_UTF8.test(request.headers['content-type'] ?? '')) return done(new Problem('unsupported_media_type'));
    if (body.length === 0) return done(null, undefined);
    try {
      done(null, parseStrictJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
}
