import { chmodSync, copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseAccount, type PostgresAccount } from '../../src/platform/database/embedded/postgres-account.js';
import { findPostgresBinaries } from '../../src/platform/database/embedded/postgres-binaries.js';
import { createDataFolder, readPassword } from '../../src/platform/database/embedded/postgres-data-folder.js';
import { Certificates } from './certificates.js';
import { freePort } from './free-port.js';
import { PostgresNode } from './postgres-node.js';

/** A Postgres of the embedded binaries that speaks TLS, with a certificate of an authority of its own. */
export class TlsPostgres {
  private constructor(
    private readonly folder: string,
    private readonly dataDir: string,
    private readonly account: PostgresAccount,
    private readonly node: PostgresNode,
    readonly certificates: Certificates,
  ) {}

  static async start(): Promise<TlsPostgres> {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'gatehouse-tls-'));
    // The account that runs Postgres may be another than ours.
    chmodSync(folder, 0o777);
    const dataDir = join(folder, 'data');
    const binaries = await findPostgresBinaries();
    const account = await chooseAccount(dataDir, binaries.postgres);
    const password = await readPassword(dataDir, account);
    await createDataFolder(dataDir, password, binaries, account);
    const certificates = new Certificates();
    for (const [from, name] of [
      [certificates.certificate, 'server.crt'],
      [certificates.key, 'server.key'],
    ] as const) {
      copyFileSync(from, join(dataDir, name));
      chmodSync(join(dataDir, name), 0o600);
      await account.give(join(dataDir, name));
    }
    await appendFile(join(dataDir, 'postgresql.conf'), '\nfsync = off\nssl = on\n');
    const node = new PostgresNode(dataDir, await freePort(), { binaries, account, password });
    await node.start();
    return new TlsPostgres(folder, dataDir, account, node, certificates);
  }

  /** Where it is, for the superuser, with these parameters. */
  url(parameters: Record<string, string> = {}, host = '127.0.0.1'): string {
    const url = new URL(this.node.url('postgres'));
    url.hostname = host;
    url.pathname = '/postgres';
    url.search = new URLSearchParams(parameters).toString();
    return url.href;
  }

  /** Says who may come: the lines of pg_hba.conf, and whether TLS is spoken at all. */
  async admit(lines: string, ssl = true): Promise<void> {
    const file = join(this.dataDir, 'pg_hba.conf');
    writeFileSync(file, `${lines}\n`);
    await this.account.give(file);
    writeFileSync(join(this.dataDir, 'postgresql.auto.conf'), `ssl = ${ssl ? 'on' : 'off'}\n`);
    await this.account.give(join(this.dataDir, 'postgresql.auto.conf'));
    await this.node.signal('SIGHUP');
  }

  async stop(): Promise<void> {
    await this.node.signal('SIGKILL');
    await this.node.ended();
    this.certificates.remove();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
