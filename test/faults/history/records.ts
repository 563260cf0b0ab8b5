import { groupBy, type History, mayBeLost, type Operation, select } from './history.js';

/** An entry of the audit log, as far as it matters here. */
export interface Entry {
  type: string;
  requestId: string;
}

const TYPES = {
  signUp: 'auth.registered',
  signIn: 'auth.login',
  roles: 'user.roles_changed',
  logout: 'auth.logout',
  'logout-all': 'auth.logout',
  disable: 'user.disabled',
  'revoke-before': 'sessions.revoked_before',
} as const;

/** The type of the entry that an operation writes when it does something. */
function typeOf(operation: Operation): string | undefined {
  if (operation.kind === 'end') return TYPES[operation.by];
  return operation.kind in TYPES ? TYPES[operation.kind as keyof typeof TYPES] : undefined;
}

/**
 * Whether an operation may have found done what it was to do, and so wrote nothing: one before it was left in doubt, or was lost
 * in a failover.
 */
function mayHaveBeenIdle(history: History, operation: Operation): boolean {
  if (operation.kind !== 'roles' && !(operation.kind === 'end' && operation.by === 'logout-all')) return false;
  const isLost = history.faults.some(({ lost }) => lost !== undefined && lost.from <= operation.end);
  const before = select(history, 'roles').filter(
    ({ user, start }) => user === operation.user && start < operation.start,
  );
  return isLost || (operation.kind === 'roles' && before.at(-1)?.outcome === 'unknown');
}

/**
 * Whatever was acknowledged stands in the audit log once; what was refused does not, and what is in doubt at most once. What
 * a failover lost, it has lost with its entry.
 */
export function auditedOnce(history: History, entries: Entry[]): string[] {
  const found = groupBy(entries, ({ type, requestId }) => `${type} ${requestId}`);
  return history.operations.flatMap((operation) => {
    const type = typeOf(operation);
    if (type === undefined) return [];
    const count = found.get(`${type} ${operation.requestId}`)?.length ?? 0;
    const isCertain = !mayBeLost(history, operation) && !mayHaveBeenIdle(history, operation);
    const least = operation.outcome === 'ok' && isCertain ? 1 : 0;
    const most = operation.outcome === 'fail' ? 0 : 1;
    return count < least || count > most
      ? [`${operation.kind} of request ${operation.requestId} was ${operation.outcome}: ${count} entries ${type}`]
      : [];
  });
}

/** Whoever was told that they have signed up gets the mail about it, at least once. */
export function mailedAtLeastOnce(history: History, addresses: string[]): string[] {
  const reached = new Set(addresses);
  return select(history, 'signUp', 'signIn').flatMap((signUp) =>
    signUp.kind === 'signUp' && signUp.outcome === 'ok' && !mayBeLost(history, signUp) && !reached.has(signUp.email)
      ? [`no mail to ${signUp.email}`]
      : [],
  );
}

/** Whatever breaks, it is answered by a sentence that says what is away, not by a fault of the server. */
export function noInternalErrors(history: History): string[] {
  return history.operations
    .filter(({ code }) => code === 'internal_error')
    .map(({ kind, instance, start }) => `${kind} at instance ${instance}: internal_error, ${Math.round(start)}`);
}
