/** Why the embedded Postgres cannot serve: a sentence for a person that says what to do. Never holds a secret. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

export const OWN_DATABASE = 'set DATABASE_URL to a Postgres of your own';
const NO_SPACE = 'the disk is full: free some space and start again';
const NO_RIGHT = `this user may not write there: choose another folder or ${OWN_DATABASE}`;

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: NO_RIGHT,
  ENOTDIR: 'a part of the path is a file: choose another folder',
  EBUSY: 'the folder is itself a mount point: choose a folder inside it',
  EXDEV: 'the folder is itself a mount point: choose a folder inside it',
  EADDRINUSE: 'no port is free on 127.0.0.1: close some connections and start again',
  EADDRNOTAVAIL: 'no port is free on 127.0.0.1: close some connections and start again',
  EMFILE: 'too many files are open: raise the limit (ulimit -n) and start again',
  ENFILE: 'too many files are open: close some programs and start again',
};

/** Turns any error of the start into one sentence; the system's code is kept, so that it can be searched for. */
export function explain(error: unknown, dataDir: string): EmbeddedPostgresError {
  if (error instanceof EmbeddedPostgresError) return error;
  const { code = 'unknown error', message } = error as NodeJS.ErrnoException;
  const reason = ADVICE[code] ?? `${message}; ${OWN_DATABASE} if this stays`;
  return new EmbeddedPostgresError(`The embedded Postgres cannot use ${dataDir} (${code}): ${reason}.`);
}

const COMPLAINTS: readonly (readonly [part: string, advice: string])[] = [
  ['No space left on device', NO_SPACE],
  ['wrote only', NO_SPACE],
  // As in a container started with --user and a bare number.
  ['could not look up effective user ID', `give this user a line in /etc/passwd, or ${OWN_DATABASE}`],
];

/** Picks the advice for a complaint of Postgres itself, which speaks English because we start it with LC_ALL=C. */
export function complaint(dataDir: string, text: string, logFile?: string): EmbeddedPostgresError {
  const [, advice = `${OWN_DATABASE} if this stays`] = COMPLAINTS.find(([part]) => text.includes(part)) ?? [];
  const where = logFile ? ` (more in ${logFile})` : '';
  return new EmbeddedPostgresError(`The embedded Postgres on ${dataDir} says "${text}"${where}; ${advice}.`);
}
