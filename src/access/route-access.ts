import { applyDecorators, type ExecutionContext, SetMetadata, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';

/** What a route asks of its caller. */
export type AccessRule =
  | { kind: 'public' }
  | { kind: 'optional' }
  | { kind: 'signed-in' }
  | { kind: 'roles'; anyOf: readonly string[] }
  | { kind: 'permissions'; allOf: readonly string[] };

const ACCESS_RULE = Symbol('DEMAND');

/** Anybody may call it, without a token. */
export const Public = () => SetMetadata(ACCESS_RULE, { kind: 'public' } satisfies AccessRule);

/** Anybody may call it; who brings a good access token is known to the handler, or else why it was refused. */
export const OptionallySignedIn = () => applyDecorators(accessRule({ kind: 'optional' }), ApiSecurity({}));

/** Any signed-in user may call it. */
export const SignedIn = () => accessRule({ kind: 'signed-in' });

/** A signed-in user with at least one of these roles may call it. */
export const Roles = (...anyOf: [string, ...string[]]) => accessRule({ kind: 'roles', anyOf });

/** A signed-in user whose roles hold all of these permissions may call it. */
export const Permissions = (...allOf: [string, ...string[]]) => accessRule({ kind: 'permissions', allOf });

function accessRule(value: AccessRule) {
  return applyDecorators(SetMetadata(ACCESS_RULE, value), ApiBearerAuth());
}

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Reflection is slow, and what a route asks never changes. By controller first: a handler may be inherited. */
const known = new WeakMap<Type, Map<Handler, AccessRule | null>>();

/** What this handler demands: its own word first, then its class's. Null where neither says anything. */
export function accessRuleOf(handler: Handler, controller: Type): AccessRule | null {
  const demand = known.get(controller)?.get(handler);
  return demand === undefined ? readAccessRule(handler, controller) : demand;
}

function readAccessRule(handler: Handler, controller: Type): AccessRule | null {
  const demand: AccessRule | null =
    Reflect.getMetadata(ACCESS_RULE, handler) ?? Reflect.getMetadata(ACCESS_RULE, controller) ?? null;
  known.set(controller, (known.get(controller) ?? new Map()).set(handler, demand));
  return demand;
}
