import { describeAccess, routesOf } from '../access/route-manifest.js';
import { AppModule } from '../app/app.module.js';
import { DOCS_FILES } from '../app/openapi.js';
import { BrokenChainError, ChainLockTimeout, ClocksApartError } from '../audit/audit-chain.service.js';
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
    app
      .get(AuditVerifier)
      .verify(expect, (entries) => progress.update(entries))
      .catch(asCommandError),
  ).finally(() => progress.stop());
  printReport(json, report);
}

export async function acceptAudit({ json }: { json?: boolean }): Promise<void> {
  const report = await withApp(async (app) => {
    await app.get(AuditSealer).accept().catch(asCommandError);
    return app.get(AuditVerifier).verify();
  });
  printReport(json, report);
}

/** What keeps the chain from being judged or continued is the operator's to mend, and no fault of the command. */
function asCommandError(error: unknown): never {
  const named = [BrokenChainError, ChainLockTimeout, ClocksApartError].find((kind) => error instanceof kind);
  throw named ? new CommandError((error as Error).message) : error;
}

/** Ends with 1 where something was found that nobody has looked into. */
function printReport(json: boolean | undefined, report: AuditReport): void {
  print(json, report, describeReport(report));
  if (report.faults.length > 0 || report.setBacks.some(({ accepted }) => !accepted)) process.exitCode = EXIT.refused;
}

function describeReport({ entries, seals, waiting, head, faults, setBacks }: AuditReport): string[] {
  const extent = `${entries} entries under ${seals} seals${waiting > 0 ? `, ${waiting} not sealed yet` : ''}.`;
  const marks = setBacks.map(({ accepted, detail }) => `  ${accepted ? 'Accepted: ' : ''}${detail}`);
  const found = [...faults.map(({ detail }) => `  ${detail}`), ...marks];
  if (faults.some(({ kind }) => kind !== 'seal_lost')) return [`The audit log was tampered with: ${extent}`, ...found];
  const isOpen = faults.length > 0 || setBacks.some(({ accepted }) => !accepted);
  const state = isOpen ? 'has lost its end at least once, and what is there is whole' : 'is whole';
  return [`The audit log ${state}: ${extent}`, ...found, `Head: ${head ?? 'none yet'}`];
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
