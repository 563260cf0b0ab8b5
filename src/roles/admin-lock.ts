/** Any number: taken by whatever may take away an admin, so that two cannot both be the last but one. */
export const LOCK_ADMINS = 'SELECT pg_advisory_xact_lock(4711003)';
