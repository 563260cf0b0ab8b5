import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import type { FastifyRequest } from 'fastify';
import { Problem, toPointer } from './problem.js';

/** Unknown input is refused, never ignored: also a query or a body on a route that declares none. */
@Injectable()
export class UndeclaredInputGuard implements CanActivate {
  private readonly declared = new WeakMap<object, { query: boolean; body: boolean }>();

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.body === undefined && !request.raw.url?.includes('?')) return true;
    const { query, body } = this.declaredBy(context);
    // zod passes over __proto__, whatever the schema.
    const unknown = Object.keys((request.query ?? {}) as object).find((name) => !query || name === '__proto__');
    if (unknown !== undefined) throw Problem.field(toPointer([unknown]), 'Unknown query parameter.');
    if (!body && request.body !== undefined) throw Problem.field('', 'This route takes no body.');
    return true;
  }

  private declaredBy(context: ExecutionContext): { query: boolean; body: boolean } {
    const handler = context.getHandler();
    const known = this.declared.get(handler);
    if (known) return known;
    const args: object = Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name) ?? {};
    const has = (type: RouteParamtypes) => Object.keys(args).some((key) => key.startsWith(`${type}:`));
    const found = { query: has(RouteParamtypes.QUERY), body: has(RouteParamtypes.BODY) };
    this.declared.set(handler, found);
    return found;
  }
}
