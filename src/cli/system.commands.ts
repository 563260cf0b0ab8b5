import type { Command } from 'commander';
import { loaded } from './loaded.js';

/** The commands about the service as a whole. */
export function addSystemCommands(program: Command): void {
  program
    .command('keys:rotate')
    .description('make the next signing key; it signs once every verifier has had the time to read it')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./system.actions.js')).rotateKeys));
  program
    .command('audit:verify')
    .description(
      'compare the audit log with its seals; ends with 1 and names what was changed, removed, added or set back',
    )
    .option('--expect <head>', 'the head that a former run printed: proves that nothing before it was set back')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./system.actions.js')).verifyAudit));
  program
    .command('audit:accept')
    .description(
      'after a break was looked into: vouch for the audit log as it stands, and begin a chain where there is none',
    )
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./system.actions.js')).acceptAudit));
  program
    .command('routes')
    .description('every route, who may call it, and its own limit')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./system.actions.js')).printRoutes));
}
