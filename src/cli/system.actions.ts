import { describeAccess, routesOf } from '../access/route-manifest.js';
import { AppModule } from '../app/app.module.js';
import { DOCS_FILES } from '../app/openapi.js';
import { BrokenChainError, ChainLockTimeout } from '../audit/audit-chain.service.js';
import { AuditSealer } from '../audit/audit-sealer.service.js';
import { type AuditReport, AuditVerifier } from '../audit/audit-verifier.service.js';
import { SigningKeys } from '../tokens/signing-keys.service.js';
import { PAGE_FILES } from '../web/serve-page.js';
import { operator, withApp } from './context.js';
import { CommandError, EXIT, print, table } from './output.js';
import { Progress } from './progress.js';
import { readConfig } from './settings.js';

export async function rotateKeys({ json }: { json?: boolean }): Promise<void> {
  const kid = await withApp(async (app, config) => {
    if (config.signing.provided) throw new CommandError('JWT_SIGNING_KEY is set: rotate it where it is kept.');
    return app.get(SigningKeys).rotate(operator());
  });
  print(json, { kid }, [`Made key ${kid}. It is published now and signs in 10 minutes.`]);
}

export async function verifyAudit({ expect, json }: { expect?: string; json?: boolean }): Promise<void> {
  if (expect !== undefined && !/^\d{1,18}:[0-9a-f]{64}$/.test(expect)) {
    throw new CommandError('--expect takes a head as audit:verify prints it, such as 12:9f….', EXIT.usage);
  }
  const progress = new Progress('entries compared');
  const report = await withApp((app) =>
    app.get(AuditVerifier).verify(expect, (entries) => progress.update(entries)),
  ).finally(() => progress.stop());
  print(json, report, describeReport(report));
  if (report.faults.length > 0) process.exitCode = EXIT.refused;
}

export async function acceptAudit({ json }: { json?: boolean }): Promise<void> {
  const report = await withApp(async (app) => {
    await app
      .get(AuditSealer)
      .accept()
      .catch((error) => {
        if (error instanceof BrokenChainError || error instanceof ChainLockTimeout)
          throw new CommandError(error.message);
        throw error;
      });
    return app.get(AuditVerifier).verify();
  });
  print(json, report, describeReport(report));
  if (report.faults.length > 0) process.exitCode = EXIT.refused;
}

function describeReport({ entries, seals, waiting, head, faults }: AuditReport): string[] {
  const extent = `${entries} entries under ${seals} seals${waiting > 0 ? `, ${waiting} not sealed yet` : ''}.`;
  if (faults.length === 0) return [`The audit log is whole: ${extent}`, `Head: ${head ?? 'none yet'}`];
  return [`The audit log was tampered with: ${extent}`, ...faults.map(({ detail }) => `  ${detail}`)];
}

export function printRoutes({ json }: { json?: boolean }): void {
  const routes = routesOf(AppModule.with(readConfig(), ''), [...DOCS_FILES, ...PAGE_FILES]);
  print(
    json,
    routes,
    table(
      routes.map(({ method, path, access, limit }) => ({
        method,
        path,
        access: describeAccess(access),
        limit: limit ?? '',
      })),
    ),
  );
}
