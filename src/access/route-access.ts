import { applyDecorators, type ExecutionContext, SetMetadata, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';

/** What a route demands of its caller. */
export type Demand =
  | { kind: 'public' }
  | { kind: 'optional' }
  | { kind: 'signed-in' }
  | { kind: 'roles'; anyOf: readonly string[] }
  | { kind: 'permissions'; allOf: readonly string[] };

const DEMAND = Symbol('DEMAND');

/** Anybody may call it, without a token. */
export const Public = () => SetMetadata(DEMAND, { kind: 'public' } satisfies Demand);

/** Anybody may call it; who brings a good access token is known to the handler, or else why it was refused. */
export const OptionallySignedIn = () => applyDecorators(demand({ kind: 'optional' }), ApiSecurity({}));

/** Any signed-in user may call it. */
export const SignedIn = () => demand({ kind: 'signed-in' });

/** A signed-in user with at least one of these roles may call it. */
export const Roles = (...anyOf: [string, ...string[]]) => demand({ kind: 'roles', anyOf });

/** A signed-in user whose roles hold all of these permissions may call it. */
export const Permissions = (...allOf: [string, ...string[]]) => demand({ kind: 'permissions', allOf });

function demand(value: Demand) {
  return applyDecorators(SetMetadata(DEMAND, value), ApiBearerAuth());
}

type Handler = ReturnType<ExecutionContext['getHandler']>;

/** Reflection is slow, and what a route demands never changes. By controller first: a handler may be inherited. */
const known = new WeakMap<Type, Map<Handler, Demand | null>>();

/** What this handler demands: its own word first, then its class's. Null where neither says anything. */
export function demandOf(handler: Handler, controller: Type): Demand | null {
  const demand = known.get(controller)?.get(handler);
  return demand === undefined ? readDemand(handler, controller) : demand;
}

function readDemand(handler: Handler, controller: Type): Demand | null {
  const demand: Demand | null = Reflect.getMetadata(DEMAND, handler) ?? Reflect.getMetadata(DEMAND, controller) ?? null;
  known.set(controller, (known.get(controller) ?? new Map()).set(handler, demand));
  return demand;
}
