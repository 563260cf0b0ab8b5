import { applyDecorators, type ExecutionContext, SetMetadata, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import { ApiBearerAuth, ApiExtension, ApiSecurity } from '@nestjs/swagger';
import { LIMIT_NAME } from '../platform/http/openapi.js';
import type { RouteLimitName } from '../platform/rate-limiting/route-limits.js';

/** What a route asks of its caller. */
export type AccessRule =
  | { kind: 'public' }
  | { kind: 'optional' }
  | { kind: 'signed-in' }
  | { kind: 'roles'; anyOf: readonly string[] }
  | { kind: 'permissions'; allOf: readonly string[] };

type Handler = ReturnType<ExecutionContext['getHandler']>;

const ACCESS_RULE = Symbol('ACCESS_RULE');

/** Anybody may call it, without a token. */
export const Public = () => SetMetadata(ACCESS_RULE, { kind: 'public' } satisfies AccessRule);

/** Anybody may call it. The handler is told the user of a good access token, or why the token was refused. */
export const OptionallySignedIn = () => applyDecorators(accessRule({ kind: 'optional' }), ApiSecurity({}));

/** Any signed-in user may call it. */
export const SignedIn = () => accessRule({ kind: 'signed-in' });

/** A signed-in user with at least one of these roles may call it. */
export const Roles = (...anyOf: [string, ...string[]]) => accessRule({ kind: 'roles', anyOf });

/** A signed-in user whose roles hold all of these permissions may call it. */
export const Permissions = (...allOf: [string, ...string[]]) => accessRule({ kind: 'permissions', allOf });

/** It has a limit of its own, in place of the common one. Stands on a handler, as Fastify's configuration of its route. */
export const RateLimit = (rateLimit: RouteLimitName): MethodDecorator =>
  applyDecorators(RouteConfig({ rateLimit }), ApiExtension(LIMIT_NAME, rateLimit));

/** The limit that a handler names. Null where it names none, so that the common one holds. */
export function rateLimitOf(handler: Handler): RouteLimitName | null {
  return Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler)?.rateLimit ?? null;
}

function accessRule(value: AccessRule) {
  return applyDecorators(SetMetadata(ACCESS_RULE, value), ApiBearerAuth());
}

/** Reflection is slow, and what a route asks never changes. By controller first: a handler may be inherited. */
const known = new WeakMap<Type, Map<Handler, AccessRule | null>>();

/** What this handler asks: its own rule first, then its class's. Null where neither has one. */
export function accessRuleOf(handler: Handler, controller: Type): AccessRule | null {
  const rule = known.get(controller)?.get(handler);
  return rule === undefined ? readAccessRule(handler, controller) : rule;
}

function readAccessRule(handler: Handler, controller: Type): AccessRule | null {
  const rule: AccessRule | null =
    Reflect.getMetadata(ACCESS_RULE, handler) ?? Reflect.getMetadata(ACCESS_RULE, controller) ?? null;
  known.set(controller, (known.get(controller) ?? new Map()).set(handler, rule));
  return rule;
}
