import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { RefusedLine } from '../admin/import/import-line.js';
import { type ImportFormat, ImportSourceError } from '../admin/import/import-source.js';
import { ImportBrokenOff, type ImportResult, UserImport } from '../admin/import/user-import.service.js';
import { VENDORS } from '../admin/import/vendors/vendors.js';
import { trimBlanks } from '../platform/common/trim-blanks.js';
import { operator, withApp } from './context.js';
import { findFile, formatOf, readAccounts, readFirebase, readPepper } from './import-files.js';
import { CommandError, EXIT, print } from './output.js';
import { Progress } from './progress.js';

/** Refused lines that are shown where no report is written. */
const SHOWN = 20;

interface ImportCommandOptions {
  file?: string;
  from?: string;
  accounts?: string;
  pepper?: string;
  format?: ImportFormat;
  dryRun?: boolean;
  report?: string;
  role: string[];
  firebase?: string;
  json?: boolean;
}

/** Ends with 1 where a line was refused. */
export async function importUsers(named: string | undefined, options: ImportCommandOptions): Promise<void> {
  const { dryRun = false, report, role, json } = options;
  const file = named ?? options.file;
  if (file === undefined || (named !== undefined && options.file !== undefined)) {
    throw new CommandError('Name one file, or - for standard input.', EXIT.usage);
  }
  const vendor = options.from === undefined ? undefined : VENDORS[options.from];
  if (options.pepper !== undefined && options.from !== 'devise') {
    throw new CommandError('--pepper goes with --from devise.', EXIT.usage);
  }
  const format = options.format ?? formatOf(file);
  const firebase = options.firebase === undefined ? undefined : await readFirebase(options.firebase);
  const pepper = options.pepper === undefined ? undefined : await readPepper(options.pepper);
  const { open, size } = await findFile(file);
  const accounts = await readAccounts(options.accounts, vendor);
  const refused = new Refusals(report);
  const progress = new Progress('users', size);
  const tell = (result: ImportResult) =>
    print(json, { ...result, dryRun, refusals: refused.shown }, [
      `${dryRun ? 'Would import' : 'Imported'} ${result.imported} users, refused ${result.refused} lines.`,
      ...withoutPassword(result),
      ...notTaken(result),
      ...refused.shown.map(({ line, email, reason }) => `  line ${line}${email ? ` (${email})` : ''}: ${reason}`),
    ]);
  try {
    const result = await withApp((app) => {
      const input = open();
      return app.get(UserImport).run(input, {
        format,
        dryRun,
        vendor,
        firebase,
        pepper,
        accounts,
        roles: role.map(trimBlanks),
        actor: operator(),
        onRefused: (line) => refused.add(line),
        onProgress: ({ imported }) => progress.update(imported, input.bytesRead ?? 0),
      });
    });
    progress.stop();
    tell(result);
    if (result.refused > 0) process.exitCode = EXIT.refused;
  } catch (error) {
    progress.stop();
    if (!(error instanceof ImportBrokenOff)) throw error;
    tell(error.done);
    if (error.cause instanceof ImportSourceError) throw new CommandError(`${file}: ${error.cause.message}`, EXIT.input);
    throw error.cause;
  } finally {
    refused.close();
  }
}

/** In one line: an export whose hashes stand in another file looks like any other. */
function withoutPassword({ withoutPassword: users }: ImportResult): string[] {
  return users === 0 ? [] : [`Without a password, to be chosen by "Forgot your password?": ${users}.`];
}

/** What the export has besides, in one line. */
function notTaken({ notTaken: counts }: ImportResult): string[] {
  const items = Object.entries(counts).map(([what, users]) => `${what} (${users})`);
  return items.length === 0 ? [] : [`Not taken, with how many users have it: ${items.join(', ')}.`];
}

/** Refused lines, to a file or the first of them for the screen. */
class Refusals {
  readonly shown: RefusedLine[] = [];
  private readonly descriptor: number | undefined;

  /** Throws a CommandError where the file cannot be written, before anything is imported. */
  constructor(private readonly file: string | undefined) {
    this.descriptor = file === undefined ? undefined : this.attempt(() => openSync(file, 'w', 0o600));
  }

  /** Written at once, so that a disk that is full ends the import at this line. Throws a CommandError. */
  add(line: RefusedLine): void {
    const { descriptor } = this;
    if (descriptor !== undefined) this.attempt(() => writeFileSync(descriptor, `${JSON.stringify(line)}\n`));
    else if (this.shown.length < SHOWN) this.shown.push(line);
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
  }

  private attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new CommandError(`${this.file} cannot be written (${(error as NodeJS.ErrnoException).code}).`, EXIT.input);
    }
  }
}
