import { Command, CommanderError } from 'commander';
import { explainFailure } from '../app/startup-errors.js';
import { Problem } from '../platform/http/problem.js';
import { addDoctorCommand } from './doctor.command.js';
import { addImportCommand } from './import.command.js';
import { CommandError, EXIT } from './output.js';
import { addSystemCommands } from './system.commands.js';
import { addUserCommands } from './users.commands.js';

const HELP = `
Settings are those of the server: the environment and .env. Without DATABASE_URL it works on the embedded Postgres,
beside a server that runs on it.

Exit codes: 0 done; 1 refused, or something is wrong with what was checked; 64 wrong use; 66 a file cannot be read;
69 the database cannot be reached; 70 a fault of ours; 78 wrong settings.`;

function createProgram(): Command {
  const program = new Command('npm run cli --')
    .description('Runs Gatehouse from the command line, by the same rules as over HTTP.')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: true })
    .exitOverride()
    .addHelpText('after', HELP);
  addUserCommands(program);
  addImportCommand(program);
  addSystemCommands(program);
  addDoctorCommand(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

function explain(error: unknown): { message: string | null; exitCode: number } {
  if (error instanceof CommandError) return error;
  if (error instanceof Problem) {
    const faults = error.errors?.map(({ pointer, detail }) => `  ${pointer.slice(1) || 'input'}: ${detail}`) ?? [];
    return { message: [error.detail, ...faults].join('\n'), exitCode: EXIT.refused };
  }
  return explainFailure(error, 'The command failed');
}

/** Runs one command, says what went wrong, and leaves its exit code in `process.exitCode`. */
export async function run(args: string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said it already; help that was asked for is no error.
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    } else {
      const { message, exitCode } = explain(error);
      if (message) process.stderr.write(`${message}\n`);
      process.exitCode = exitCode;
    }
  }
}
