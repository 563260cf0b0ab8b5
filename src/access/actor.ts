import type { RequestContext } from '../platform/http/request-context.js';
import type { Principal } from './principal.js';

/** Who makes a change: decides what they may, and what the audit log says of them. */
export type Actor = UserActor | OperatorActor | AnonymousActor;

/** A user of this deployment. */
interface UserActor {
  kind: 'user';
  id: string;
  context: RequestContext;
}

/** Somebody at the command line, by their name on that machine. May do everything. */
export interface OperatorActor {
  kind: 'operator';
  name: string;
  context: null;
}

/** A request without a token, such as one for another mail. */
interface AnonymousActor {
  kind: 'anonymous';
  context: RequestContext;
}

/** The actor who a request speaks for. */
export function actorOf({ userId }: Principal, context: RequestContext): UserActor {
  return { kind: 'user', id: userId, context };
}

/** The account that the audit log names for an actor. */
export function actorIdOf(actor: Actor): string | null {
  return actor.kind === 'user' ? actor.id : null;
}

/** What the data of an audit entry says of an actor who has no account. */
export function operatorOf(actor: Actor): { operator?: string } {
  return actor.kind === 'operator' ? { operator: actor.name } : {};
}
