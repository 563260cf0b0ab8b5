/** The bootstrap settings cannot make an admin. The message says what to do. */
export class FirstAdminError extends Error {}
