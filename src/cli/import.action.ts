import { closeSync, createReadStream, openSync, writeFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { type FirebaseHashing, firebaseHashing } from '../admin/import/firebase.js';
import type { RefusedLine } from '../admin/import/import-line.js';
import { type ImportFormat, ImportSourceError } from '../admin/import/import-source.js';
import { ImportBrokenOff, type ImportResult, UserImport } from '../admin/import/user-import.service.js';
import { trimBlanks } from '../platform/common/trim-blanks.js';
import { operator, withApp } from './context.js';
import { CommandError, EXIT, print } from './output.js';
import { Progress } from './progress.js';

/** Refused lines that are shown where no report is written. */
const SHOWN = 20;

interface ImportCommandOptions {
  format?: ImportFormat;
  dryRun?: boolean;
  report?: string;
  role: string[];
  firebase?: string;
  json?: boolean;
}

/** Ends with 1 where a line was refused. */
export async function importUsers(file: string, options: ImportCommandOptions): Promise<void> {
  const { dryRun = false, report, role, json } = options;
  const format = options.format ?? formatOf(file);
  const firebase = options.firebase === undefined ? undefined : await readFirebase(options.firebase);
  const { size } = await stat(file).catch(() => {
    throw new CommandError(`${file} cannot be read.`, EXIT.input);
  });
  const refused = new Refusals(report);
  const progress = new Progress('users', size);
  const tell = (result: ImportResult) =>
    print(json, { ...result, dryRun, refusals: refused.shown }, [
      `${dryRun ? 'Would import' : 'Imported'} ${result.imported} users, refused ${result.refused} lines.`,
      ...refused.shown.map(({ line, email, reason }) => `  line ${line}${email ? ` (${email})` : ''}: ${reason}`),
    ]);
  try {
    const result = await withApp((app) => {
      const input = createReadStream(file, { highWaterMark: 256 * 1024 });
      return app.get(UserImport).run(input, {
        format,
        dryRun,
        firebase,
        roles: role.map(trimBlanks),
        actor: operator(),
        onRefused: (line) => refused.add(line),
        onProgress: ({ imported }) => progress.update(imported, input.bytesRead),
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

function formatOf(file: string): ImportFormat {
  if (/\.csv$/i.test(file)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(file)) return 'ndjson';
  throw new CommandError('Say --format ndjson or --format csv: the name of the file does not tell.', EXIT.usage);
}

async function readFirebase(file: string): Promise<FirebaseHashing> {
  try {
    return firebaseHashing.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    throw new CommandError(
      `${file} must hold base64_signer_key, base64_salt_separator, rounds and mem_cost as JSON.`,
      EXIT.input,
    );
  }
}
