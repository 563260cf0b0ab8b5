import { hkdfSync } from 'node:crypto';
import { DataSource } from 'typeorm';
import { AuditChain } from '../../src/audit/audit-chain.service.js';
import type { AuditMacs } from '../../src/audit/audit-entry.js';
import { AuditRetention } from '../../src/audit/audit-retention.service.js';
import { AuditSealer } from '../../src/audit/audit-sealer.service.js';
import { AuditVerifier } from '../../src/audit/audit-verifier.service.js';
import type { Config } from '../../src/platform/config/config.js';
import { dataSourceOptions } from '../../src/platform/database/data-source.js';
import { Database } from '../../src/platform/database/database.js';
import type { DatabaseFeed } from '../../src/platform/database/feed/database-feed.js';
import { APP_SECRET } from './server.js';

/** The audit module on its own, with the key of the servers under test. */
export interface AuditModuleUnderTest {
  sealer: AuditSealer;
  verifier: AuditVerifier;
  retention: AuditRetention;
  macs: AuditMacs;
  close(): Promise<void>;
}

/** Opens the audit module on a database that a server has migrated. */
export async function openAuditModule(url: string, secret = APP_SECRET): Promise<AuditModuleUnderTest> {
  const source = new DataSource({ ...dataSourceOptions(url, { pool: 4, timeout: 0 }), migrations: [] });
  await source.initialize();
  const deriveKey = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${purpose}`, 32));
  const config = { deriveKey } as unknown as Config;
  const database = new Database(source);
  const chain = new AuditChain(config, database);
  const sealer = new AuditSealer(database, chain, { onSetBack: () => undefined } as unknown as DatabaseFeed);
  const verifier = new AuditVerifier(database, chain, sealer);
  const retention = new AuditRetention(config, chain, verifier);
  return { sealer, verifier, retention, macs: chain.macs, close: () => source.destroy() };
}
