import type { RequestContext } from '../platform/http/request-context.js';

/** Who makes a change, for the audit log. Both null: the system itself, or an operator at the command line. */
export interface Actor {
  id: string | null;
  context: RequestContext | null;
  /** What the log says of somebody without an account. */
  operator?: string;
}

/** What the log says of an actor who has no account. */
export function operatorOf({ operator }: Actor): { operator?: string } {
  return operator === undefined ? {} : { operator };
}
