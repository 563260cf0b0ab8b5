import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QueryResultRow } from 'pg';
import { chooseAccount } from '../../src/platform/database/embedded/postgres-account.js';
import { findPostgresBinaries } from '../../src/platform/database/embedded/postgres-binaries.js';
import { createDataFolder, readPassword } from '../../src/platform/database/embedded/postgres-data-folder.js';
import { freePort } from './free-port.js';
import { PostgresNode, STANDBY } from './postgres-node.js';
import { TcpProxy } from './tcp-proxy.js';
import { waitFor } from './wait-for.js';

/** Nobody needs these data after a power loss. What a standby has not got yet is kept; a lost one is missed at once. */
const CONFIGURATION = `
fsync = off
wal_keep_size = 512MB
wal_retrieve_retry_interval = 100ms
max_wal_size = 512MB
shared_buffers = 32MB
`;

/**
 * Ends what the tests leave running: its input closes when their process is gone, however that ended. $1 is the folder of
 * all data folders.
 */
const WATCHDOG = `cat >/dev/null
for lock in "$1"/*/postmaster.pid; do
  pid=$(head -n 1 "$lock") && pkill -KILL -P "$pid"; kill -KILL "$pid"
done
rm -rf "$1"`;

/**
 * A Postgres and its standby, streaming, of the embedded binaries; and fronts, whose URL leads to whichever of the two is
 * the primary. `stop` removes all of it, and so does the end of this process.
 */
export class ReplicatedPostgres {
  private readonly fronts: TcpProxy[] = [];

  private constructor(
    private readonly folder: string,
    private readonly watchdog: ChildProcess,
    private primary: PostgresNode,
    private standby: PostgresNode,
    private readonly synchronous: boolean,
  ) {}

  /** Starts both. `synchronous` commits wait until the standby has them. */
  static async start({ synchronous = false } = {}): Promise<ReplicatedPostgres> {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'gatehouse-pair-'));
    // The account that runs Postgres may be another than ours.
    chmodSync(folder, 0o777);
    const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watchdog.unref();
    (watchdog.stdin as unknown as { unref(): void }).unref();
    const dataDir = join(folder, 'one');
    const binaries = await findPostgresBinaries();
    const account = await chooseAccount(dataDir, binaries.postgres);
    const password = await readPassword(dataDir, account);
    await createDataFolder(dataDir, password, binaries, account);
    await appendFile(join(dataDir, 'postgresql.conf'), CONFIGURATION);
    const programs = { binaries, account, password };
    const primary = new PostgresNode(dataDir, await freePort(), programs);
    const standby = new PostgresNode(join(folder, 'two'), await freePort(), programs);
    await primary.start();
    const pair = new ReplicatedPostgres(folder, watchdog, primary, standby, synchronous);
    await pair.follow();
    return pair;
  }

  /** The primary's own URL, for statements by hand. */
  get url(): string {
    return this.primary.url();
  }

  /** The same as the superuser. */
  get superuserUrl(): string {
    return this.primary.url('postgres');
  }

  /** Another way in, such as each instance has a network of its own to break. */
  async front(): Promise<TcpProxy> {
    const front = await TcpProxy.before(this.primary.url());
    this.fronts.push(front);
    return front;
  }

  /** Runs SQL on the primary as the superuser. */
  query<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]> {
    return this.primary.query<Row>(sql, values);
  }

  /** The standby gets nothing from here on: what is committed now is lost with the primary. */
  async cut(): Promise<void> {
    await this.caughtUp();
    await this.standby.setting('primary_conninfo', '');
    await waitFor(async () => (await this.standby.query('SELECT FROM pg_stat_wal_receiver')).length === 0);
  }

  /** Resolves when the standby has all that was committed before the call. */
  async caughtUp(): Promise<void> {
    const [now] = await this.primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
    await waitFor(async () => {
      const sql = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS there';
      return (await this.standby.query<{ there: boolean }>(sql, [now?.lsn]))[0]?.there === true;
    });
  }

  /** Ends every process of the primary at once, as a machine does that loses its power. */
  async killPrimary(): Promise<void> {
    await this.primary.signal('SIGKILL');
    await this.primary.ended();
  }

  /** The standby becomes the primary, and the fronts lead to it. */
  async promote(): Promise<void> {
    await this.standby.query('SELECT pg_promote(true, 20)');
    [this.primary, this.standby] = [this.standby, this.primary];
    // What the old primary would have waited for.
    if (this.synchronous) await this.primary.setting('synchronous_standby_names', '');
    for (const front of this.fronts) front.aim(this.primary.url());
  }

  /** Makes a standby of what is not the primary, from a fresh copy. */
  async follow(): Promise<void> {
    await this.standby.signal('SIGKILL');
    await this.standby.ended();
    await this.primary.copyTo(this.standby);
    await this.caughtUp();
    if (this.synchronous) await this.primary.setting('synchronous_standby_names', STANDBY);
  }

  /** Every process of the primary stands still, as on a machine that swaps or a host that is moved. */
  pause(): Promise<void> {
    return this.primary.signal('SIGSTOP');
  }

  /** Goes on after a pause. */
  resume(): Promise<void> {
    return this.primary.signal('SIGCONT');
  }

  /** The primary ends at once and comes back on its port, with all that was committed. */
  async restart(): Promise<void> {
    await this.primary.signal('SIGKILL');
    await this.primary.ended();
    await this.primary.start();
  }

  /** Every connection to the primary is ended by an administrator. */
  async terminateBackends(): Promise<void> {
    await this.primary.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
  }

  async stop(): Promise<void> {
    for (const front of this.fronts) await front.close();
    for (const node of [this.primary, this.standby]) {
      await node.signal('SIGKILL');
      await node.ended();
    }
    this.watchdog.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
