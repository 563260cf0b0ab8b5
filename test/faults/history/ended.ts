import { type Check, type Ending, groupBy, type History, type Operation, type RoleChange, select } from './history.js';

/** Milliseconds within which an instance must have heard of what another one did. */
export interface Bounds {
  /** Without a fault. */
  usual: number;
  /** Under a single fault. */
  fault: number;
}

/** When an instance must have heard of something that was acknowledged at `end` by the instance `by`. */
function dueAt({ faults }: History, { end, instance: by }: Ending | RoleChange, instance: number, bounds: Bounds) {
  if (instance === by) return end;
  const troubled = faults.some((fault) => fault.start <= end + bounds.usual && fault.end >= end);
  return end + (troubled ? bounds.fault : bounds.usual);
}

/**
 * Whether a failover has lost the commit of a change, and it is not over: an instance that knows may not reach the new primary
 * yet, and one that has not heard cannot know.
 */
function mayBeUnknown({ faults }: History, { end, instance: by }: Ending | RoleChange, use: Operation): boolean {
  return (
    use.instance !== by &&
    faults.some(
      ({ lost, end: over }) => lost && end >= lost.from && end <= lost.to && use.start >= lost.to && use.start <= over,
    )
  );
}

/** Whether the last that the instance had said before the check is that its list is not to be trusted. */
function saidUntrusted(history: History, { instance, start }: Check): boolean {
  const said = select(history, 'health').filter(
    (health) => health.instance === instance && health.outcome !== 'unknown',
  );
  return said.filter(({ end }) => end <= start).at(-1)?.outcome === 'fail';
}

/** Whether the instance was asked of an access token when it could not know of the change, and could not be thought to. */
function mayNotKnow(history: History, change: Ending | RoleChange, use: Operation): boolean {
  return use.kind === 'check' && (saidUntrusted(history, use) || mayBeUnknown(history, change, use));
}

/**
 * What was ended stays ended: later than the bound after its end was acknowledged no instance accepts an access token of a
 * session, unless it had said before that it cannot know; and no instance exchanges its refresh token, whatever it said.
 */
export function endedStaysEnded(history: History, bounds: Bounds): string[] {
  const endings = new Map<string, Ending[]>();
  for (const ending of select(history, 'end').filter(({ outcome }) => outcome === 'ok'))
    for (const session of ending.sessions) endings.set(session, [...(endings.get(session) ?? []), ending]);
  return select(history, 'check', 'refresh').flatMap((use) => {
    if (use.outcome !== 'ok') return [];
    return (endings.get(use.session) ?? []).flatMap((ending) => {
      const due = dueAt(history, ending, use.instance, bounds);
      if (use.start <= due || mayNotKnow(history, ending, use)) return [];
      const late = Math.round(use.start - ending.end);
      return [
        `${ending.by} at instance ${ending.instance}: ${use.kind} of session ${use.session} ok at instance ${use.instance} ${late} ms later`,
      ];
    });
  });
}

/** When a role that `change` took away was given again; for ever after it may be held. */
const givenAgain = (changes: RoleChange[], change: RoleChange, role: string) =>
  changes.find((next) => next.start >= change.end && next.outcome !== 'fail' && next.roles.includes(role))?.start ??
  Number.POSITIVE_INFINITY;

/**
 * Whether a failover that lost commits may not have been put right yet: when it is over, instances have written back what they
 * know. Before that the primary that has everything answered, and nothing is excused. What is minted meanwhile is out of date
 * from the beginning, and those that know refuse it.
 */
function isBeingWrittenBack({ faults }: History, use: Operation): boolean {
  return (
    use.kind !== 'check' && faults.some(({ lost, end }) => lost !== undefined && use.end >= lost.to && use.start <= end)
  );
}

/** A role that was taken away is in no token minted after the bound, and no token that names it is accepted then. */
export function rolesStayLowered(history: History, bounds: Bounds): string[] {
  const uses = select(history, 'check', 'refresh', 'signIn').filter(
    (use) => use.outcome === 'ok' && !isBeingWrittenBack(history, use),
  );
  const changes = groupBy(select(history, 'roles'), ({ user }) => user);
  return uses.flatMap((use) =>
    (changes.get(use.user) ?? []).flatMap((change, _, all) => {
      const due = dueAt(history, change, use.instance, bounds);
      if (change.outcome !== 'ok' || use.start <= due) return [];
      const back = use.claims.roles.filter((role) => !change.roles.includes(role));
      const wrong = back.filter((role) => use.end < givenAgain(all, change, role));
      if (wrong.length === 0 || mayNotKnow(history, change, use)) return [];
      return [
        `${wrong} was taken away at ${Math.round(change.end)}: ${use.kind} ok with it at instance ${use.instance}, ${Math.round(use.start)}`,
      ];
    }),
  );
}

/** The version of a user's rights never falls from one token to a later one. */
export function versionsNeverFall(history: History): string[] {
  const minted = select(history, 'signUp', 'signIn', 'refresh').filter((mint) => mint.outcome === 'ok');
  return [...groupBy(minted, ({ user }) => user)].flatMap(([user, mints]) =>
    mints.flatMap((mint) => {
      const highest = Math.max(0, ...mints.filter(({ end }) => end < mint.start).map(({ claims }) => claims.ver));
      return mint.claims.ver < highest && !isBeingWrittenBack(history, mint)
        ? [
            `ver of ${user} fell from ${highest} to ${mint.claims.ver} at instance ${mint.instance}, ${Math.round(mint.start)}`,
          ]
        : [];
    }),
  );
}

/** While the database was away no token check failed, but where the instance itself was down. */
export function tokenChecksGoOn(history: History): string[] {
  const downs = history.faults.filter(({ down }) => down !== undefined);
  return select(history, 'check').flatMap((check) => {
    const excused = downs.some(
      ({ down, start, end }) => down === check.instance && check.end >= start && check.start <= end,
    );
    return check.outcome === 'unknown' && !excused
      ? [`instance ${check.instance} did not answer a token check at ${Math.round(check.start)}: ${check.code}`]
      : [];
  });
}
