import type { FastifyInstance } from 'fastify';
import { parseStrictJson } from '../common/strict-json.js';
import { Problem } from './problem.js';

const JSON_UTF8 = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i;

/**
 * Bodies are strict JSON in UTF-8 and nothing else. Another content type is refused, and so is an encoding (RFC 9110,
 * 8.4): what is packed is not read as it stands.
 */
export function acceptStrictJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
    if (!JSON_UTF8.test(type) || encoding !== 'identity') return done(new Problem('unsupported_media_type'));
    if (body.length === 0) return done(null, undefined);
    try {
      done(null, parseStrictJson(body));
    } catch (error) {
      done(error as Error);
    }
  });
}
