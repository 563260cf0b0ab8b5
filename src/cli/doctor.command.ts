import type { Command } from 'commander';
import { loaded } from './loaded.js';

/** The command that looks a deployment over. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('examine the settings and the database; ends with 1 where it finds a fault')
    .option('--peer <address>', 'also tell which address the server sees for a request that comes from this socket')
    .option('--forwarded-for <hops>', 'the X-Forwarded-For of that request')
    .option('--json', 'print JSON')
    .action(loaded(async () => (await import('./doctor.action.js')).runDoctor));
}
