import { execFileSync } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import type { PostgresAccount } from '../../src/platform/database/embedded/postgres-account.js';
import type { PostgresBinaries } from '../../src/platform/database/embedded/postgres-binaries.js';
import { findPostmaster, launchPostmaster } from '../../src/platform/database/embedded/postgres-postmaster.js';
import { waitFor } from './wait-for.js';

const START_LIMIT = 30_000;

/** The name of the standby where the primary waits for it. */
export const STANDBY = 'standby';

interface Programs {
  binaries: PostgresBinaries;
  account: PostgresAccount;
  password: string;
}

/** One Postgres of a pair, on its data folder and its port. */
export class PostgresNode {
  constructor(
    readonly dataDir: string,
    private readonly port: number,
    private readonly programs: Programs,
  ) {}

  url(role = 'gatehouse'): string {
    return `postgres://${role}:${this.programs.password}@127.0.0.1:${this.port}/gatehouse`;
  }

  /** The settings of a standby that follows this server. */
  get connectionSettings(): string {
    const { password } = this.programs;
    return `host=127.0.0.1 port=${this.port} user=postgres password=${password} application_name=${STANDBY}`;
  }

  async start(): Promise<void> {
    const { binaries, account } = this.programs;
    const deadline = AbortSignal.timeout(START_LIMIT);
    await waitFor(async () => {
      const reason = await launchPostmaster(this.dataDir, binaries.postgres, account, deadline, { port: this.port });
      if (reason) throw new Error(reason);
    });
  }

  /** Runs one statement as the superuser, who finds the tables of the server, on a connection of its own. */
  async query<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.url('postgres'), options: '-c search_path=gatehouse,public' });
    client.on('error', () => undefined);
    await client.connect();
    return (await client.query<Row>(sql, values).finally(() => client.end())).rows;
  }

  async setting(name: string, value: string): Promise<void> {
    await this.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.query('SELECT pg_reload_conf()');
  }

  /** Copies the folder of this server, which goes on, into that of another, which starts as its standby. */
  async copyTo(standby: PostgresNode): Promise<void> {
    const client = new Client({ connectionString: this.url('postgres') });
    await client.connect();
    try {
      await client.query(`SELECT pg_backup_start('copy', true)`);
      const copy = 'rm -rf "$2" && cp -a "$1" "$2" && rm -rf "$2"/postmaster.* "$2"/pg_wal/*';
      await this.programs.account.run('/bin/sh', ['-c', copy, 'sh', this.dataDir, standby.dataDir], standby.dataDir);
      const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
      await standby.write('backup_label', rows[0]?.labelfile ?? '');
    } finally {
      await client.end();
    }
    await standby.write('standby.signal', '');
    const settings = `synchronous_standby_names = ''\nprimary_conninfo = '${this.connectionSettings}'\n`;
    await appendFile(join(standby.dataDir, 'postgresql.auto.conf'), settings);
    await standby.start();
  }

  private async write(name: string, content: string): Promise<void> {
    await writeFile(join(this.dataDir, name), content);
    await this.programs.account.give(join(this.dataDir, name));
  }

  /** Sends a signal to the server and every process of it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const postmaster = await findPostmaster(this.dataDir);
    if (!postmaster) return;
    // The parent first: it would start anew what ends before it, and wonder at what stands still.
    for (const pid of [postmaster.pid, ...childrenOf(postmaster.pid)]) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended since.
      }
    }
  }

  /** Resolves when the server is gone. */
  async ended(): Promise<void> {
    await waitFor(async () => (await findPostmaster(this.dataDir)) === undefined);
  }
}

function childrenOf(pid: number): number[] {
  try {
    const listed = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
    return listed.trim().split('\n').map(Number);
  } catch {
    return []; // none
  }
}
