import { join } from 'node:path';
import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { DirectUrlError } from '../app/direct-url-error.js';
import { explainFailure } from '../app/startup-errors.js';
import { areTwoDatabases, TwoDatabasesError } from '../app/two-databases.js';
import { keptLog } from '../audit/kept-log.js';
import { type DeploymentReport, examine, seenAddress, type Unreachable } from '../health/doctor.js';
import { plainAddress } from '../platform/common/address.js';
import { Clock } from '../platform/common/clock.js';
import type { Config } from '../platform/config/config.js';
import { databaseInTheClear } from '../platform/config/database-url.js';
import { dataSourceOptions } from '../platform/database/data-source.js';
import { startEmbeddedPostgres } from '../platform/database/embedded/embedded-postgres.js';
import { Bell, ChannelError } from '../platform/database/feed/bell.js';
import { StandbyError } from '../platform/database/feed/change-cursor.js';
import { RING } from '../platform/database/feed/pulse.js';
import { isDirect } from '../platform/database/probe.js';
import { checkPathBehindPooler, findSchema } from '../platform/database/schema.js';
import { weakSchemas } from '../platform/database/schema-rights.js';
import { unfitSettings } from '../platform/database/session-settings.js';
import { withClient } from '../platform/database/short-client.js';
import type { ClientAddress } from '../platform/http/client-address.js';
import { CommandError, EXIT, print } from './output.js';
import { readConfigWithNotes } from './settings.js';

/** How long the database may take to answer, ms. */
const TIMEOUT = 5_000;
const MARKS = { fault: 'FAULT  ', warning: 'warning', fine: 'fine   ' };

interface DoctorOptions {
  peer?: string;
  forwardedFor?: string;
  json?: boolean;
}

/** Ends with 1 where it finds a fault. */
export async function runDoctor({ peer, forwardedFor, json }: DoctorOptions): Promise<void> {
  if (peer === undefined && forwardedFor !== undefined) {
    throw new CommandError('--forwarded-for needs --peer: which socket does the request come from?', EXIT.usage);
  }
  if (peer !== undefined && plainAddress(peer) === null) {
    throw new CommandError('--peer takes an IP address, such as 10.0.0.1.', EXIT.usage);
  }
  const { config, notes } = readConfigWithNotes();
  const findings = examine({
    production: config.production,
    host: config.host,
    publicUrl: config.publicUrl,
    settingNotes: notes,
    // As the environment has them: the configuration keeps neither, one being secret and the other taken apart.
    appSecret: process.env.APP_SECRET || undefined,
    smtpUrl: process.env.SMTP_URL || undefined,
    trustedProxies: config.trustedProxies,
    rateLimits: config.rateLimits,
    databaseInTheClear: [config.databaseUrl, config.databaseDirectUrl].flatMap(
      (url) => (url && databaseInTheClear(url, process.env.PGSSLMODE)) || [],
    ),
    database: await askDatabase(config),
  });
  const seen = peer === undefined ? null : seenAddress(peer, forwardedFor, config.trustedProxies);
  print(json, { findings, request: seen }, [
    ...findings.map(({ level, text }) => `${MARKS[level]}  ${text}`),
    seen
      ? describe(seen)
      : 'Which address the server sees for a request: --peer <address> --forwarded-for <hops> asks it.',
  ]);
  if (findings.some(({ level }) => level === 'fault')) process.exitCode = EXIT.refused;
}

function describe({ address, suppliedBy }: ClientAddress): string {
  if (suppliedBy === null) return `The server sees that request come from ${address}, the address of its socket.`;
  return `The server sees that request come from ${address}, as the trusted proxy ${suppliedBy} wrote it.`;
}

/** Looks at the database and migrates nothing. */
async function askDatabase(config: Config): Promise<DeploymentReport['database']> {
  const postgres = config.databaseUrl
    ? undefined
    : await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), log: () => undefined });
  const url = config.databaseUrl ?? postgres?.url ?? '';
  let source: DataSource | undefined;
  try {
    const { schema, ...found } = await withClient(url, lookAround);
    source = new DataSource(dataSourceOptions(url, { pool: 2, timeout: TIMEOUT }, undefined, schema));
    await source.initialize();
    if (await isReadOnly(source)) throw new StandbyError();
    const { databaseDirectUrl } = config;
    if (databaseDirectUrl && (await areTwoDatabases(url, databaseDirectUrl))) throw new TwoDatabasesError();
    const clockOffset = await clockOffsetOf(source);
    const notificationsArrive = await areNotificationsHeard(config, url, source);
    const migrationsPending = await source.showMigrations();
    // Elsewhere the owner of the log is the operator's choice.
    const auditLog = postgres ? await withClient(url, keptLog) : null;
    return { clockOffset, migrationsPending, ...found, notificationsArrive, auditLog };
  } catch (error) {
    return unreachable(error);
  } finally {
    if (source?.isInitialized) await source.destroy();
    await postgres?.stop();
  }
}

/** Where our tables are, as a server would find them, who else may plant there what we call, and what a pooler hides. */
async function lookAround(
  client: Client,
): Promise<{ schema?: string; weakSchemas: string[]; unfitSettings: string | null }> {
  const { found: schema } = await findSchema(client);
  const pooled = !(await isDirect(client));
  const unfit = pooled ? await unfitSettings(client) : null;
  if (schema === null) return { weakSchemas: [], unfitSettings: unfit };
  if (pooled) await checkPathBehindPooler(client, schema);
  return { schema, weakSchemas: await weakSchemas(client, { schema, pooled }), unfitSettings: unfit };
}

/** In the words of a start that fails for it: a wrong password is not mended as a server that is away is. */
function unreachable(error: unknown): Unreachable {
  return { unreachable: explainFailure(error, 'The database could not be examined').message ?? '' };
}

/** A server that polls needs none. Without DATABASE_DIRECT_URL it is the database itself that cannot be reached. */
async function areNotificationsHeard({ revocationFeed, databaseDirectUrl }: Config, url: string, source: DataSource) {
  if (revocationFeed !== 'notify') return null;
  if (databaseDirectUrl === undefined) return doNotificationsArrive(url, source);
  return doNotificationsArrive(databaseDirectUrl, source).catch((error) => unreachable(new DirectUrlError(error)));
}

/** Listens as a server does, and sends itself a notification the way that changes go. */
async function doNotificationsArrive(url: string, source: DataSource): Promise<boolean> {
  const bell = new Bell(new Clock());
  try {
    await withClient(url, async (client) => {
      await bell.hang(client);
      await bell.prove((word) => source.query(RING, [word]));
    });
    return true;
  } catch (error) {
    if (error instanceof ChannelError) return false;
    throw error;
  }
}

async function isReadOnly(source: DataSource): Promise<boolean> {
  const [{ isReadOnly }] = await source.query<[{ isReadOnly: boolean }]>(
    `SELECT current_setting('transaction_read_only')::boolean AS "isReadOnly"`,
  );
  return isReadOnly;
}

/** By how many ms the clock of the database is ahead of ours, taking its answer to be from the middle of the wait. */
async function clockOffsetOf(source: DataSource): Promise<number> {
  const before = Date.now();
  const [{ now }] = await source.query<[{ now: string }]>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
  return Number(now) - (before + Date.now()) / 2;
}
