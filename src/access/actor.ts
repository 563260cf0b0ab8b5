import type { RequestContext } from '../platform/http/request-context.js';
import type { Principal } from './principal.js';

/** Who makes a change: decides what they may, and what the audit log says of them. */
export type Actor = UserActor | OperatorActor | AnonymousActor | SystemActor;

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

/** The server itself, unasked: at its start, or because the time has come. */
interface SystemActor {
  kind: 'system';
  context: null;
}

export const SYSTEM: SystemActor = { kind: 'system', context: null };

/** The user of this id, who has just proved to be that or whose token the request carries. */
export function userActor(id: string, context: RequestContext): UserActor {
  return { kind: 'user', id, context };
}

/** The actor who a request speaks for. */
export function actorOf({ userId }: Principal, context: RequestContext): UserActor {
  return userActor(userId, context);
}

/** The account of an actor, where there is one. */
export function actorIdOf(actor: Actor): string | null {
  return actor.kind === 'user' ? actor.id : null;
}
