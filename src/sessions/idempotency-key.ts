import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../platform/http/problem.js';

const FORM = /^[A-Za-z0-9_-]{16,64}$/;

/**
 * Gives a handler the `Idempotency-Key` of its request (draft-ietf-httpapi-idempotency-key-header), null where none came.
 * Throws a Problem `invalid_request` for one of another form.
 */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string | null => {
  const key = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && FORM.test(key)) return key;
  throw new Problem('invalid_request', { detail: 'Idempotency-Key takes 16 to 64 of the characters A-Z a-z 0-9 _ -.' });
});

/** The route takes an `Idempotency-Key`. */
export const TakesIdempotencyKey = () =>
  applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      schema: { type: 'string', pattern: FORM.source, example: 'Kq3vX0mZr8TtW2yB' },
      description:
        'Random, made and kept before the request leaves. The same refresh token with the same key gets the same successor, for as long as that has not been used',
    }),
  );
