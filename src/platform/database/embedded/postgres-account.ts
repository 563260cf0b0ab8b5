import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { complaint, EmbeddedPostgresError, OWN_DATABASE } from './embedded-postgres-error.js';

interface Identity {
  uid: number;
  gid: number;
}

/** Nothing of our own environment reaches the server: no secret, no PG* variable, no foreign library path. */
const ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/** The system user who runs initdb and postgres and owns what they write. Both programs refuse to run as root. */
export class PostgresAccount {
  /** Without an identity: the user who runs this process. */
  constructor(
    private readonly identity?: Identity,
    private readonly capability?: string,
  ) {}

  /** Starts a program under this account. */
  spawn(command: string, args: string[], options: SpawnOptions): ChildProcess {
    const common = { ...options, cwd: '/', env: ENVIRONMENT };
    if (!this.identity) return spawn(command, args, common);
    if (!this.capability) return spawn(command, args, { ...common, ...this.identity });
    return spawn('setpriv', [...capabilityArgs(this.identity, this.capability), '--', command, ...args], common);
  }

  /** Runs a program to its end; a failure is told in the program's own words. */
  run(command: string, args: string[], dataDir: string, input = ''): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = this.spawn(command, args, { stdio: 'pipe' });
      let output = '';
      child.stdout?.on('data', (chunk) => (output += chunk));
      child.stderr?.on('data', (chunk) => (output += chunk));
      child.stdin?.on('error', () => undefined); // a program that has died reads no more; its exit code tells
      child.stdin?.end(input);
      child.on('error', (error) => reject(notRunnable(command, error)));
      child.on('close', (code) => (code === 0 ? resolve() : reject(complaint(dataDir, cause(output)))));
    });
  }

  /** Gives a file or folder to this account. */
  async give(path: string): Promise<void> {
    if (this.identity) await chown(path, this.identity.uid, this.identity.gid);
  }

  /** Whether this account can execute the program and enter the folder; tried for real, which covers ACLs too. */
  async reaches(program: string, folder: string): Promise<boolean> {
    const script = 'test -x "$1" && cd "$2"';
    try {
      const child = this.spawn('/bin/sh', ['-c', script, 'sh', program, folder], { stdio: 'ignore' });
      const [code] = await once(child, 'close');
      return code === 0;
    } catch {
      return false; // no setpriv here, or no right to become that user
    }
  }
}

export function notRunnable(command: string, error: Error): EmbeddedPostgresError {
  const code = (error as NodeJS.ErrnoException).code ?? error.message;
  return new EmbeddedPostgresError(
    `${command} does not run on this system (${code}; it needs glibc, so not Alpine): ${OWN_DATABASE}.`,
  );
}

/**
 * This user, or, when this user is root, the owner of the data folder, else `postgres`, else `nobody`.
 * A project under a folder only root may enter (/root/app) is out of reach for those: Linux then lends the server the
 * least capability that opens the path, for reading if root has that one itself (a Docker container has not).
 */
export async function chooseAccount(dataDir: string, program: string): Promise<PostgresAccount> {
  const owner = await stat(dataDir).catch(() => undefined);
  if (process.getuid?.() !== 0) {
    if (owner && owner.uid !== process.getuid?.()) throw foreignFolder(dataDir, owner.uid);
    return new PostgresAccount();
  }
  const identity = owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : await unprivilegedUser();
  for (const capability of [undefined, 'dac_read_search', 'dac_override']) {
    const account = new PostgresAccount(identity, capability);
    if (await account.reaches(program, dirname(dataDir))) return account;
  }
  throw new EmbeddedPostgresError(
    `Postgres refuses to run as root, and user ${identity.uid} cannot reach both ${program} and ${dirname(dataDir)}: ` +
      `start Gatehouse as an ordinary user, move it out of the private folder, or ${OWN_DATABASE}.`,
  );
}

function capabilityArgs({ uid, gid }: Identity, capability: string): string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'];
  // Postgres checks its own program with access(2), which ignores capabilities unless no_setuid_fixup is set.
  return [...ids, `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`, '--securebits=+no_setuid_fixup'];
}

async function unprivilegedUser(): Promise<Identity> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user)
    throw new EmbeddedPostgresError(
      `Postgres refuses to run as root and there is no user postgres or nobody: start as an ordinary user or ${OWN_DATABASE}.`,
    );
  // macOS writes nobody as -2.
  return { uid: Number(user[2]) >>> 0, gid: Number(user[3]) >>> 0 };
}

function foreignFolder(dataDir: string, uid: number): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `${dataDir} belongs to user ${uid} (it was first used by that user or by root): start Gatehouse as that user or ` +
      `as root, or hand it over with: sudo chown -R $(id -u) "${dataDir}" "${dataDir}".*`,
  );
}

/** The first complaint is the cause, what follows it are consequences. */
function cause(output: string): string {
  const lines = output.trim().split('\n');
  const told = lines.find((line) => /error:|FATAL:|PANIC:|could not/.test(line)) ?? lines.pop();
  return told?.replace(/^.*?(error|FATAL|PANIC):\s*/, '') || 'nothing, and stopped';
}
