import { type Call, type Check, groupBy, type History, mayBeLost, type Refresh, select } from './history.js';

/** A refresh token gets one successor, however often and wherever it is presented. */
export function oneSuccessorEach(history: History): string[] {
  const granted = select(history, 'refresh').filter(({ outcome }) => outcome === 'ok');
  return [...groupBy(granted, ({ presented }) => presented).values()].flatMap((refreshes) => {
    const successors = new Set(refreshes.map(({ successor }) => successor));
    return successors.size > 1 ? [`a token of session ${refreshes[0]?.session} got ${successors.size} successors`] : [];
  });
}

/** A token that was spent long ago gets nothing: who presents it is a thief. */
export function spentStaysSpent(history: History): string[] {
  return select(history, 'refresh').flatMap(({ spent, outcome, session, instance }) =>
    spent && outcome === 'ok' ? [`a spent token of session ${session} was exchanged at instance ${instance}`] : [],
  );
}

/**
 * Who presents the newest tokens of a session that nothing has ended is not refused, and nobody honest is taken for a thief.
 * A session whose very opening was lost in a failover is gone, and so is one that a thief's token has ended.
 */
export function nobodySignedOut(history: History): string[] {
  const mayHaveEnded = firstBy(
    select(history, 'end').filter(({ outcome }) => outcome !== 'fail'),
    ({ sessions }) => sessions,
  );
  const mayBeStolen = firstBy(
    select(history, 'refresh').filter(({ spent }) => spent),
    ({ session }) => [session],
  );
  const rightsMayHaveChanged = firstBy(
    select(history, 'roles').filter(({ outcome }) => outcome !== 'fail'),
    ({ user }) => [user],
  );
  const openings = select(history, 'signUp', 'signIn').filter((opening) => mayBeLost(history, opening));
  const lost = new Set(openings.map(({ session }) => session));

  const isExcused = ({ session, user, code, end }: Check | Refresh): boolean => {
    if (code === 'token_stale') return rightsMayHaveChanged(user, end);
    if (code === 'refresh_reused') return mayBeStolen(session, end);
    return lost.has(session) || mayHaveEnded(session, end) || mayBeStolen(session, end);
  };
  return select(history, 'refresh', 'check')
    .filter((use) => use.outcome === 'fail' && !(use.kind === 'refresh' && use.spent) && !isExcused(use))
    .map(
      ({ kind, session, instance, code, start }) =>
        `session ${session}: ${kind} refused with ${code} at instance ${instance}, ${Math.round(start)}`,
    );
}

/** Whether any of these calls about a key had begun by then. */
function firstBy<C extends Call>(calls: C[], keysOf: (call: C) => string[]): (key: string, by: number) => boolean {
  const first = new Map<string, number>();
  for (const call of calls)
    for (const key of keysOf(call)) first.set(key, Math.min(call.start, first.get(key) ?? Number.POSITIVE_INFINITY));
  return (key, by) => (first.get(key) ?? Number.POSITIVE_INFINITY) <= by;
}
