/**
 * Taken first by every change of what users may do: the roles, the status or the deletion of a user, and what a role
 * permits. Under it the actor's rights are read, and an admin must be left after the change. Two such changes at once could
 * undo each other's ground: two admins who remove each other would both still read that the other one is an admin, and of
 * the last two admins each could go because the other one stays. No lock on their rows is wide enough for that: the one
 * change reads what the other one writes in a row of its own.
 *
 * A change of anything else (a name, the end of sessions, a user to come) takes only the lock on its row. It may run beside
 * the change that takes its actor's rights away, and then counts as having come before: it writes nothing that decides
 * what the other change may do. A role or a user that it needs is locked, so that it cannot vanish meanwhile, and a role
 * that it gives before the actor's rights are read, so that none is given that was made in between.
 *
 * The number is any, but the same for every instance.
 */
export const LOCK_RIGHTS = 'SELECT pg_catalog.pg_advisory_xact_lock(4711003)';
