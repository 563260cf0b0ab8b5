import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, explain } from './embedded-postgres-error.js';
import { InstanceLease } from './instance-lease.js';
import { chooseAccount, type PostgresAccount } from './postgres-account.js';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import {
  checkDataFolder,
  createDataFolder,
  dataVersion,
  locateDataFolder,
  readPassword,
} from './postgres-data-folder.js';
import {
  findPostmaster,
  isPostmaster,
  launchPostmaster,
  type Postmaster,
  removeStaleLock,
} from './postgres-postmaster.js';

/** Crash recovery after a power loss may take a while; past this a person should hear about it. */
const START_LIMIT_MS = 60_000;
/** A fast shutdown writes everything down first. */
const STOP_LIMIT_MS = 60_000;
const POLL_MS = 20;
const REVIVAL_PAUSE_MS = 1_000;

export interface EmbeddedPostgres {
  /** postgres:// URL on loopback with password, for the `gatehouse` database. */
  url: string;
  /** The same as the superuser, for what the role `gatehouse` must not do itself: to give the audit log out of its hands. */
  superuserUrl: string;
  /**
   * Stops the server (fast shutdown) and resolves once it has exited; leaves it running when another live Gatehouse
   * process uses the same folder, which then stops it in its turn.
   */
  stop(): Promise<void>;
}

interface Options {
  dataDir: string;
  log: (line: string) => void;
  /** Whether a server that dies while it is used is started again, on the same port. */
  restartOnCrash?: boolean;
  /** How many connections this process and its workers make at most. One that runs already keeps what it was started with. */
  connections?: number;
}

/**
 * Starts the Postgres whose data live in `dataDir`, or takes over the one a killed Gatehouse left running there.
 * Beside the folder stand `<dataDir>.password` (roles `gatehouse` and `postgres`, mode 0600) and `<dataDir>.log`.
 * Throws EmbeddedPostgresError with one clear sentence that says what to do.
 */
export async function startEmbeddedPostgres({
  dataDir: path,
  log,
  restartOnCrash = false,
  connections = 0,
}: Options): Promise<EmbeddedPostgres> {
  try {
    const binaries = await findPostgresBinaries();
    const dataDir = await locateDataFolder(path);
    const account = await chooseAccount(dataDir, binaries.postgres);
    await checkDataFolder(dataDir, binaries.major);
    const password = await readPassword(dataDir, account);
    if (!(await dataVersion(dataDir))) {
      log(`Creating a Postgres ${binaries.major} database in ${dataDir}`);
      await createDataFolder(dataDir, password, binaries, account);
    }
    return await new Server(dataDir, password, log, restartOnCrash, connections).start(binaries, account);
  } catch (error) {
    throw explain(error, path);
  }
}

/** One folder's server as this process sees it. */
class Server {
  private lease: InstanceLease | undefined;
  private stopped: Promise<void> | undefined;
  /** The same for the life of this process: its URL has been given away. */
  private port: number | undefined;
  private startAgain: () => Promise<unknown> = async () => undefined;

  constructor(
    private readonly dataDir: string,
    private readonly password: string,
    private readonly log: (line: string) => void,
    private readonly restartOnCrash: boolean,
    private readonly connections: number,
  ) {}

  /** Looks, starts one if there is none, and looks again, until this process has its say in a live server. */
  async start(binaries: PostgresBinaries, account: PostgresAccount): Promise<EmbeddedPostgres> {
    this.startAgain = () => this.start(binaries, account);
    const deadline = AbortSignal.timeout(START_LIMIT_MS);
    let launched = false;
    let reason: string | undefined;
    while (!deadline.aborted) {
      const postmaster = await findPostmaster(this.dataDir);
      if (postmaster?.ready && (await this.claim(postmaster))) {
        if (!launched) this.log(`Using the Postgres that already runs on ${this.dataDir}`);
        return {
          url: this.url(postmaster, 'gatehouse'),
          superuserUrl: this.url(postmaster, 'postgres'),
          stop: () => (this.stopped ??= this.stop()),
        };
      }
      if (!postmaster) {
        await removeStaleLock(this.dataDir);
        const { port, connections } = this;
        reason = await launchPostmaster(this.dataDir, binaries.postgres, account, deadline, { port, connections });
        launched = reason === undefined;
      }
      await delay(POLL_MS);
    }
    throw new EmbeddedPostgresError(
      `The embedded Postgres on ${this.dataDir} was not ready after ${START_LIMIT_MS / 1000} s ` +
        `(${reason ?? 'it may still be recovering'}): see ${this.dataDir}.log, then start again.`,
    );
  }

  private async stop(): Promise<void> {
    const postmaster = await findPostmaster(this.dataDir);
    if (!postmaster) return;
    if (!(await this.isLast(postmaster))) return this.log('Leaving Postgres to the other Gatehouse that uses it');
    process.kill(postmaster.pid, 'SIGINT');
    const limit = Date.now() + STOP_LIMIT_MS;
    while (await isPostmaster(postmaster.pid, this.dataDir)) {
      if (Date.now() > limit)
        throw new EmbeddedPostgresError(
          `Postgres (process ${postmaster.pid}) is still writing to ${this.dataDir}: leave it to finish, see ${this.dataDir}.log.`,
        );
      await delay(POLL_MS);
    }
  }

  /** A presence lost in a crash is taken up again first; a server that accepts none has no instance left to cut off. */
  private async isLast(postmaster: Postmaster): Promise<boolean> {
    if (!this.lease && !(await this.claim(postmaster))) return true;
    return (await this.lease?.leave().catch(() => true)) ?? true;
  }

  private async claim({ port }: Postmaster): Promise<boolean> {
    this.lease = await InstanceLease.claim(port, this.password, () => this.lost());
    if (this.lease) this.port = port;
    return this.lease !== undefined;
  }

  private lost(): void {
    // A broken connection complains more than once, and one that we end ourselves complains too.
    const isNews = this.lease !== undefined && !this.stopped;
    this.lease = undefined;
    if (!isNews) return;
    this.log(`The connection to Postgres broke: see ${this.dataDir}.log`);
    if (this.restartOnCrash) void this.bringBack();
  }

  /** The instances that rely on the embedded server have nothing else that starts it again. */
  private async bringBack(): Promise<void> {
    while (!this.stopped && !this.lease) {
      try {
        await this.startAgain();
        this.log('Postgres runs again');
      } catch (error) {
        this.log(`Postgres could not be started again: ${error instanceof Error ? error.message : error}`);
        await delay(REVIVAL_PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  private url({ port }: Postmaster, role: string): string {
    return `postgres://${role}:${this.password}@127.0.0.1:${port}/gatehouse`;
  }
}
