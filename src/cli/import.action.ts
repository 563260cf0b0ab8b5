import { once } from 'node:events';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type FirebaseHashing, firebaseHashing } from '../users/import/firebase.js';
import type { RefusedLine } from '../users/import/import-line.js';
import { type ImportFormat, ImportSourceError } from '../users/import/import-source.js';
import { UserImport } from '../users/import/user-import.service.js';
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
  const refused = await Refusals.open(report);
  const progress = new Progress(size, 'users');
  try {
    const result = await withApp((app) => {
      const input = createReadStream(file, { highWaterMark: 256 * 1024 });
      return app.get(UserImport).run(input, {
        format,
        dryRun,
        firebase,
        roles: role,
        actor: operator(),
        onRefused: (line) => refused.add(line),
        onProgress: ({ imported }) => progress.update(input.bytesRead, imported),
      });
    });
    progress.stop();
    await refused.close();
    print(json, { ...result, dryRun, refusals: refused.shown }, [
      `${dryRun ? 'Would import' : 'Imported'} ${result.imported} users, refused ${result.refused} lines.`,
      ...refused.shown.map(({ line, email, reason }) => `  line ${line}${email ? ` (${email})` : ''}: ${reason}`),
    ]);
    if (result.refused > 0) process.exitCode = EXIT.refused;
  } catch (error) {
    progress.stop();
    if (error instanceof ImportSourceError) throw new CommandError(`${file}: ${error.message}`, EXIT.input);
    throw error;
  }
}

/** Refused lines, to a file or the first of them for the screen. */
class Refusals {
  readonly shown: RefusedLine[] = [];

  private constructor(private readonly stream: WriteStream | undefined) {}

  /** Throws a CommandError where the file cannot be written, before anything is imported. */
  static async open(file: string | undefined): Promise<Refusals> {
    if (file === undefined) return new Refusals(undefined);
    const stream = createWriteStream(file, { mode: 0o600 });
    await once(stream, 'open').catch(() => {
      throw new CommandError(`${file} cannot be written.`, EXIT.input);
    });
    return new Refusals(stream);
  }

  add(line: RefusedLine): void {
    if (this.stream) this.stream.write(`${JSON.stringify(line)}\n`);
    else if (this.shown.length < SHOWN) this.shown.push(line);
  }

  async close(): Promise<void> {
    if (this.stream) await finished(this.stream.end());
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
