/**
 * Taken by every change that may leave no admin (of the status, the roles, the address or the life of a user who is one), before
 * the user is locked; by a change of what a role permits; and by what puts rights back after a failover. Of the last two
 * admins each could otherwise go because the other one stays: no lock on their rows is wide enough for that.
 *
 * A change of anybody else's rights waits for nobody but those who change the same user. It locks the user, and the actor and the
 * actor's roles against changes, users first and each in one order, so that of two who take each other's rights the second
 * has none when it reads them. A role that it gives is locked before the actor's rights are read, so that none is given that was
 * made in between.
 *
 * The number is any, but the same for every instance.
 */
export const LOCK_RIGHTS = 'SELECT pg_catalog.pg_advisory_xact_lock(4711003)';
